/* scvi_train.c -- the training loop [8]: epochs of minibatches, validation, warm-up, early stopping. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "ledger/ledger.h"
#include "models/scvi_impl.h"

typedef struct {
    double rec, kl, loss;    /* sums over cells; loss with the KL weight in force */
    int64_t cells;
} tally;

typedef struct {
    clab_ctx *cx;
    clab_scvi *m;
    /* arguments */
    int64_t max_epochs, batch_size, warmup, patience, val_every;
    double lr, decay;
    bool early, train_mode;
    clab_scvi_epoch_fn *on_epoch;
    void *user;
    /* state */
    clab__split split;
    int64_t *order, *scratch;
    clab_rows *rows;
    clab_phase *phase;
    int64_t step, epoch;     /* of this call */
    double kl_weight, best, last;    /* best and last elbo_validation */
    int64_t waited;
    bool stop;
} run;

/* min(400, 20000/n * 400), at least 1 [8.3] */
static int64_t epochs_by_size(int64_t n)
{
    double e = nearbyint(20000.0 / (double)n * 400.0);

    return e > 400 ? 400 : e < 1 ? 1 : (int64_t)e;
}

static void read_args(run *r, const clab_arg *a)
{
    r->max_epochs = a[CLAB__TRAIN_MAX_EPOCHS].given ? a[CLAB__TRAIN_MAX_EPOCHS].i : epochs_by_size(r->m->n_cells);
    r->batch_size = a[CLAB__TRAIN_BATCH_SIZE].i;
    r->lr = a[CLAB__TRAIN_LR].num;
    r->decay = a[CLAB__TRAIN_DECAY].num;
    r->early = a[CLAB__TRAIN_EARLY].b;
    r->patience = a[CLAB__TRAIN_PATIENCE].i;
    r->val_every = a[CLAB__TRAIN_CHECK_VAL].given ? a[CLAB__TRAIN_CHECK_VAL].i : 0;
    if (r->early) /* the monitored value is needed every epoch */
        r->val_every = 1;
    r->warmup = a[CLAB__TRAIN_WARMUP].i;
    r->train_mode = strcmp(a[CLAB__TRAIN_MODE].s, "train") == 0 ||
                    (strcmp(a[CLAB__TRAIN_MODE].s, "auto") == 0 && r->m->trainings == 0);
    r->best = INFINITY;
}

/* Before anything is taken: Adam's moments and gradients of every weight, and room for a minibatch. */
static clab_status reserve(const run *r)
{
    const clab__net *n = r->m->net;
    const int64_t B = r->batch_size < r->m->n_cells ? r->batch_size : r->m->n_cells, H = n->dims.H, D = n->dims.D;
    const int64_t room = B * (4 * (6 * n->dims.n_layers * H + 8 * D + 3 * (H > D ? H : D)) + n->dims.n_layers * H);
    int64_t weights = 0;
    clab_remedy less[3];

    for (int i = 0; i < n->n_tensors; i++) {
        const clab__tensor *t = &n->tensors[i];
        if (t->param)
            weights += t->param->n * 4 * ((t->param->m ? 0 : 2) + (t->grad && !*t->grad));
    }
    less[0] = (clab_remedy){.bytes = n->dims.G > 2000 ? (int64_t)((double)weights * 2000 / (double)n->dims.G) + room : -1};
    snprintf(less[0].text, sizeof less[0].text, "2,000 genes (hvg{n_top=2000})");
    less[1] = (clab_remedy){.bytes = (weights + room) / 2};
    snprintf(less[1].text, sizeof less[1].text, "n_hidden=%" PRId64, (H + 1) / 2);
    less[2] = (clab_remedy){.bytes = weights + room / 4};
    snprintf(less[2].text, sizeof less[2].text, "batch_size=%" PRId64, (B + 3) / 4);
    return clab_mem_reserve_or(r->cx, weights + room, "training scVI", less, 3);
}

static clab_status begin(run *r, const clab_arg *a)
{
    clab_scvi *m = r->m;
    clab_rows_opts o = {.block_rows = r->batch_size};
    clab_status s = CLAB_OK;

    if (a[CLAB__TRAIN_DEVICE].given && a[CLAB__TRAIN_DEVICE].s[0])
        s = clab__scvi_move(r->cx, m, a[CLAB__TRAIN_DEVICE].s);
    if (s == CLAB_OK)
        s = clab__scvi_split(r->cx, m, a[CLAB__TRAIN_SIZE].num, a[CLAB__TRAIN_SIZE].explicit_, r->batch_size, &r->split);
    if (s == CLAB_OK && r->split.n_train < 2)
        s = clab_fail(r->cx, CLAB_EARG, "%" PRId64 " cells are too few to train on", r->split.n_train);
    if (s == CLAB_OK && r->early && r->split.n_valid == 0)
        s = clab_fail(r->cx, CLAB_EARG, "early_stopping needs cells to validate on, and all %" PRId64 " train: "
                      "lower train_size, take more cells, or leave early_stopping out", r->split.n_train);
    if (s == CLAB_OK)
        s = reserve(r);
    if (s == CLAB_OK)
        s = clab_mem_alloc(r->cx, CLAB_MEM_WORK, r->split.n_train * 16, "scvi order", (void **)&r->order);
    if (s == CLAB_OK) {
        r->scratch = r->order + r->split.n_train;
        s = clab__net_room(m->net, r->batch_size < m->n_cells ? r->batch_size : m->n_cells, true);
    }
    if (s == CLAB_OK)
        s = clab__net_moments(m->net);
    if (s == CLAB_OK)
        s = clab_rows_open(r->cx, m->counts, &o, &r->rows);
    return s;
}

/* Adds the losses of the last forward pass; *finite says whether they are numbers. */
static clab_status add_losses(run *r, tally *t, bool *finite)
{
    clab__net *n = r->m->net;
    const int64_t B = n->batch->n_rows;
    double rec = 0, kl = 0;
    clab_status s = n->be->ops->sum(n->be, B, n->rec, &rec);

    if (s == CLAB_OK)
        s = n->be->ops->sum(n->be, B, n->kl, &kl);
    t->rec += rec;
    t->kl += kl;
    t->loss += rec + r->kl_weight * kl;
    t->cells += B;
    *finite = isfinite(rec) && isfinite(kl);
    return s;
}

static clab_status one_step(run *r, const clab_csr *block, tally *t)
{
    clab_scvi *m = r->m;
    clab_adam k;
    bool finite = true;
    clab_status s = clab__scvi_load(m, block, m->codes);

    if (s == CLAB_OK)
        s = clab__scvi_noise(m, r->train_mode, false);
    if (s == CLAB_OK)
        s = clab__net_forward(m->net, r->train_mode, true, r->kl_weight);
    if (s == CLAB_OK)
        s = add_losses(r, t, &finite);
    if (s != CLAB_OK)
        return s;
    if (!finite) {
        clab_fail(r->cx, CLAB_ESTATE, "training stopped: the loss is not a number at epoch %" PRId64 ", step %" PRId64,
                  r->epoch + 1, r->step + 1);
        return clab_hint(r->cx, "the model keeps its last finite state; a lower lr, likelihood=\"nb\" or leaving out "
                                "cells with extreme totals may help");
    }
    clab_adam_at(&k, r->lr, r->decay, ++r->step);
    m->steps++;
    return clab__net_update(m->net, &k);
}

static clab_status train_epoch(run *r, tally *t)
{
    const clab_csr *block = NULL;
    clab_status s;

    clab__scvi_shuffle(r->m, r->split.cells + r->split.n_valid, r->split.n_train, r->scratch, r->order);
    s = clab_rows_rewind(r->cx, r->rows, r->order, r->split.n_train);
    while (s == CLAB_OK && (s = clab_rows_next(r->cx, r->rows, &block)) == CLAB_OK && block) {
        if (block->n_rows > 1 || !r->train_mode) /* one cell has no batch statistics */
            s = one_step(r, block, t);
    }
    return s;
}

static clab_status validate(run *r, tally *t)
{
    const clab_csr *block = NULL;
    bool finite;
    clab_status s = clab_rows_rewind(r->cx, r->rows, r->split.cells, r->split.n_valid);

    clab__scvi_validation_begins(r->m);
    while (s == CLAB_OK && (s = clab_rows_next(r->cx, r->rows, &block)) == CLAB_OK && block) {
        s = clab__scvi_load(r->m, block, r->m->codes);
        if (s == CLAB_OK)
            s = clab__scvi_noise(r->m, false, true);
        if (s == CLAB_OK)
            s = clab__net_forward(r->m->net, false, false, r->kl_weight);
        if (s == CLAB_OK)
            s = add_losses(r, t, &finite);
    }
    return s;
}

/* The curves of an epoch under the peer's names [8.4]; elbo first, for they are what a pane shows. */
static clab_status record(run *r, const tally *t, const tally *v)
{
    const double n = (double)t->cells, nv = (double)v->cells, x = (double)r->m->epochs;
    const struct {
        const char *name;
        double y;
        bool there;
    } curves[] = {
        {"elbo_train", (t->rec + t->kl) / n, true},
        {"elbo_validation", (v->rec + v->kl) / nv, v->cells > 0},
        {"reconstruction_loss_train", t->rec / n, true},
        {"reconstruction_loss_validation", v->rec / nv, v->cells > 0},
        {"kl_local_train", t->kl / n, true},
        {"kl_local_validation", v->kl / nv, v->cells > 0},
        {"kl_weight", r->kl_weight, true},
        {"train_loss", t->loss / n, true},
        {"train_loss_epoch", t->loss / n, true},
        {"validation_loss", v->loss / nv, v->cells > 0},
    };
    clab_status s = CLAB_OK;

    for (size_t i = 0; i < sizeof curves / sizeof curves[0] && s == CLAB_OK; i++)
        if (curves[i].there)
            s = clab_history_add(r->cx, &r->m->history, curves[i].name, x, curves[i].y);
    return s;
}

static void consider_stopping(run *r, const tally *v)
{
    double elbo = v->cells ? (v->rec + v->kl) / (double)v->cells : 0;

    if (!r->early || !v->cells)
        return;
    r->last = elbo;
    if (elbo < r->best) {
        r->best = elbo;
        r->waited = 0;
    } else if (++r->waited >= r->patience || !isfinite(elbo)) {
        r->stop = true;
    }
}

static clab_status one_epoch(run *r)
{
    tally t = {0}, v = {0};
    clab_status s;

    r->kl_weight = r->epoch < r->warmup ? (double)r->epoch / (double)r->warmup : 1.0;
    s = train_epoch(r, &t);
    if (s == CLAB_OK && r->val_every && (r->epoch + 1) % r->val_every == 0 && r->split.n_valid)
        s = validate(r, &v);
    if (s == CLAB_OK)
        s = record(r, &t, &v);
    if (s != CLAB_OK)
        return s;
    r->epoch++;
    r->m->epochs++;
    clab_phase_step(r->phase, r->epoch);
    clab_phase_note(r->phase, "elbo %.1f", (t.rec + t.kl) / (double)t.cells);
    consider_stopping(r, &v);
    if (r->on_epoch && !r->on_epoch(r->user, r->m->epochs, &r->m->history))
        r->stop = true;
    return CLAB_OK;
}

/* A dry run trains nothing: one step on the sketch's first cells makes every buffer as large as it will be, and the
 * curves get a single point that is not a number. */
static clab_status foresee(run *r)
{
    const clab_csr *block = NULL;
    const tally none = {.cells = 0};
    tally t = {0};
    clab_status s;

    clab__scvi_shuffle(r->m, r->split.cells + r->split.n_valid, r->split.n_train, r->scratch, r->order);
    s = clab_rows_rewind(r->cx, r->rows, r->order, r->split.n_train < r->batch_size ? r->split.n_train : r->batch_size);
    if (s == CLAB_OK)
        s = clab_rows_next(r->cx, r->rows, &block);
    if (s == CLAB_OK && block && (s = one_step(r, block, &t)) == CLAB_ESTATE) {
        clab_error_clear(r->cx); /* a loss of made-up cells need not be a number */
        s = CLAB_OK;
    }
    r->m->steps++;
    r->m->epochs += r->max_epochs;
    return s == CLAB_OK ? record(r, &none, r->split.n_valid && r->val_every ? &(tally){.cells = 1, .rec = NAN} : &none) : s;
}

static void say_how_it_ended(const run *r)
{
    if (r->early && !isfinite(r->last))
        clab_warn(r->cx, "stopped after %" PRId64 " epoch%s: elbo_validation is not a number; cells with extreme totals are "
                  "among those held out", r->epoch, r->epoch == 1 ? "" : "s");
    else if (r->waited >= r->patience && r->early)
        clab_note(r->cx, "stopped early after %" PRId64 " epochs: elbo_validation has not fallen below %.2f for %" PRId64 " epoch%s",
                  r->epoch, r->best, r->waited, r->waited == 1 ? "" : "s");
    if (r->kl_weight < 1.0)
        clab_note(r->cx, "the KL weight ended at %.4g: it reaches 1 only after n_epochs_kl_warmup=%" PRId64 " epochs",
                  r->kl_weight, r->warmup);
    if (!r->train_mode)
        clab_note(r->cx, "trained with the running batch statistics and without dropout, as the peer does from the second "
                         "training on (mode=\"train\" changes that)");
}

clab_status clab_scvi_train(clab_ctx *cx, clab_scvi *m, const clab_arg *args, clab_scvi_epoch_fn *on_epoch, void *user)
{
    run r = {.cx = cx, .m = m, .on_epoch = on_epoch, .user = user};
    clab_status s;

    if (!m->data)
        return clab_fail(cx, CLAB_ESTATE, "this model was loaded without its cells and cannot be trained further");
    if (m->training)
        return clab_fail(cx, CLAB_ESTATE, "this model is being trained: on_epoch cannot train it");
    m->training = true;
    read_args(&r, args);
    s = begin(&r, args);
    if (s == CLAB_OK) {
        clab_series_start(cx, "scvi", "epoch");
        r.phase = clab_phase_begin(cx, "scvi", r.max_epochs, "epochs");
    }
    if (s == CLAB_OK && clab_ctx_planning(cx))
        s = foresee(&r);
    while (s == CLAB_OK && r.epoch < r.max_epochs && !r.stop && !clab_ctx_planning(cx))
        s = one_epoch(&r);
    clab_phase_end(r.phase);
    if (r.step > 0)
        m->trainings++;
    clab_rows_close(cx, r.rows);
    clab_mem_free(cx, r.order);
    clab_mem_free(cx, r.split.cells);
    clab__net_rest(m->net);
    m->training = false;
    if (s == CLAB_OK && !clab_ctx_planning(cx))
        say_how_it_ended(&r);
    return s;
}
