/* guest_pid.c -- finding the worker process of a running call, for tests that end it. */
/* guest_pid.c -- finding and signalling the worker of this process. */
#include "guest_pid.h"

#include <ctype.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* A child of this process whose name says it is a guest, or 0. */
static int find_guest(void)
{
    DIR *d = opendir("/proc");
    int found = 0;
    for (struct dirent *e; d && !found && (e = readdir(d));) {
        char path[300], comm[64] = "";
        int parent = 0;
        if (!isdigit((unsigned char)*e->d_name))
            continue;
        snprintf(path, sizeof path, "/proc/%s/stat", e->d_name);
        FILE *f = fopen(path, "r");
        if (f && fscanf(f, "%*d (%63[^)]) %*c %d", comm, &parent) == 2 && parent == getpid() &&
            strncmp(comm, "celllab-guest", 13) == 0)
            found = atoi(e->d_name);
        if (f)
            fclose(f);
    }
    if (d)
        closedir(d);
    return found;
}

static void *strike(void *user)
{
    guest_killer *k = user;
    int pid = 0;
    while (!k->stop && (pid = find_guest()) == 0)
        usleep(500);
    for (int i = 0; i < k->ms && !k->stop; i++)
        usleep(1000);
    if (k->stop || pid == 0)
        return NULL;
    k->at = now();
    if (k->cx)
        clab_cancel(k->cx);
    k->struck = k->cx || kill(pid, k->signal) == 0;
    return NULL;
}

static void launch(guest_killer *k, int ms, int sig, clab_ctx *cx)
{
    memset(k, 0, sizeof *k);
    k->ms = ms;
    k->signal = sig;
    k->cx = cx;
    if (pthread_create(&k->thread, NULL, strike, k) != 0)
        abort();
}

void guest_kill_after(guest_killer *k, int ms, int sig)
{
    launch(k, ms, sig, NULL);
}

bool guest_kill_done(guest_killer *k)
{
    k->stop = true;
    pthread_join(k->thread, NULL);
    return k->struck;
}

void guest_cancel_after(guest_killer *k, int ms, clab_ctx *cx)
{
    launch(k, ms, 0, cx);
}

double guest_cancel_seconds(guest_killer *k)
{
    double t = now();
    k->stop = true;
    pthread_join(k->thread, NULL);
    return k->struck ? t - k->at : -1;
}
