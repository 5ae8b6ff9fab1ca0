/* bind_device.c -- lab.devices(): what `device=` can name on this machine, and why not. */
#include "backend/backend.h"
#include "lua_impl.h"

#define DEVICES_MAX 16

static int lab_devices(lua_State *L)
{
    clab_device *devices = lua_newuserdatauv(L, DEVICES_MAX * sizeof *devices, 0);
    int n = clab_devices(clab__cx(L), devices, DEVICES_MAX);

    clab_error_clear(clab__cx(L));
    lua_createtable(L, n, 0);
    for (int i = 0; i < n; i++) {
        lua_createtable(L, 0, 3);
        lua_pushstring(L, devices[i].name);
        lua_setfield(L, -2, "name");
        lua_pushboolean(L, devices[i].usable);
        lua_setfield(L, -2, "usable");
        lua_pushstring(L, devices[i].reason);
        lua_setfield(L, -2, "reason");
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

void clab__device_open(lua_State *L, int lab)
{
    lua_pushcfunction(L, lab_devices);
    lua_setfield(L, lab, "devices");
}
