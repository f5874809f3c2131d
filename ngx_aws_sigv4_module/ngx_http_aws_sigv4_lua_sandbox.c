
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include "ngx_http_aws_sigv4_lua.h"


/*
 * What all hooks share cannot be written: globals are an empty table before
 * the real one, and the libraries are userdata, which neither rawset() nor
 * table.insert() can reach.
 */


static void ngx_http_aws_sigv4_sandbox_open(lua_State *L);
static void ngx_http_aws_sigv4_sandbox_base(lua_State *L);
static void ngx_http_aws_sigv4_sandbox_library(lua_State *L,
    const char *name);
static void ngx_http_aws_sigv4_sandbox_loaded(lua_State *L);
static void ngx_http_aws_sigv4_sandbox_globals(lua_State *L);
static int ngx_http_aws_sigv4_sandbox_set_global(lua_State *L);
static int ngx_http_aws_sigv4_sandbox_set_library(lua_State *L);
static int ngx_http_aws_sigv4_sandbox_require(lua_State *L);
static int ngx_http_aws_sigv4_sandbox_xpcall(lua_State *L);
static int ngx_http_aws_sigv4_sandbox_load(lua_State *L);
static int ngx_http_aws_sigv4_sandbox_print(lua_State *L);


static const luaL_Reg  ngx_http_aws_sigv4_libraries[] = {
    { "", luaopen_base },
    { LUA_LOADLIBNAME, luaopen_package },
    { LUA_STRLIBNAME, luaopen_string },
    { LUA_TABLIBNAME, luaopen_table },
    { LUA_MATHLIBNAME, luaopen_math },
    { LUA_BITLIBNAME, luaopen_bit },
    { NULL, NULL }
};


/*
 * Not among them: what reads files or bytecode, changes environments, runs
 * coroutines or the collector, or makes finalizers, which would run later.
 */

static const char  *ngx_http_aws_sigv4_base[] = {
    "_VERSION",
    "assert",
    "error",
    "getmetatable",
    "ipairs",
    "next",
    "pairs",
    "pcall",
    "rawequal",
    "rawget",
    "rawset",
    "require",
    "select",
    "setmetatable",
    "tonumber",
    "tostring",
    "type",
    "unpack",
    NULL
};


int
ngx_http_aws_sigv4_lua_sandbox(lua_State *L)
{
    const luaL_Reg  *library;

    ngx_http_aws_sigv4_sandbox_open(L);

    lua_newtable(L);

    ngx_http_aws_sigv4_sandbox_base(L);

    for (library = ngx_http_aws_sigv4_libraries; library->name; library++) {
        if (library->func != luaopen_base
            && library->func != luaopen_package)
        {
            ngx_http_aws_sigv4_sandbox_library(L, library->name);
        }
    }

    ngx_http_aws_sigv4_lua_api(L);
    lua_setfield(L, -2, "sigv4");

    ngx_http_aws_sigv4_sandbox_loaded(L);
    ngx_http_aws_sigv4_sandbox_globals(L);

    return 0;
}


static void
ngx_http_aws_sigv4_sandbox_open(lua_State *L)
{
    const luaL_Reg  *library;

    /* modules come from the configuration, not from LUA_PATH */
    lua_pushboolean(L, 1);
    lua_setfield(L, LUA_REGISTRYINDEX, "LUA_NOENV");

    for (library = ngx_http_aws_sigv4_libraries; library->name; library++) {
        lua_pushcfunction(L, library->func);
        lua_pushstring(L, library->name);
        lua_call(L, 1, 0);
    }
}


/* all of these have the new table of globals at the top of the stack */

static void
ngx_http_aws_sigv4_sandbox_base(lua_State *L)
{
    const char  **name;

    for (name = ngx_http_aws_sigv4_base; *name; name++) {
        lua_getglobal(L, *name);
        lua_setfield(L, -2, *name);
    }

    lua_getfield(L, -1, "require");
    lua_pushcclosure(L, ngx_http_aws_sigv4_sandbox_require, 1);
    lua_setfield(L, -2, "require");

    lua_pushcfunction(L, ngx_http_aws_sigv4_sandbox_xpcall);
    lua_setfield(L, -2, "xpcall");

    lua_pushcfunction(L, ngx_http_aws_sigv4_sandbox_load);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "load");
    lua_setfield(L, -2, "loadstring");

    lua_getglobal(L, "tostring");
    lua_pushcclosure(L, ngx_http_aws_sigv4_sandbox_print, 1);
    lua_setfield(L, -2, "print");
}


static void
ngx_http_aws_sigv4_sandbox_library(lua_State *L, const char *name)
{
    lua_getglobal(L, name);

    /* of strings: bytecode is not checked when it is loaded */
    lua_pushnil(L);
    lua_setfield(L, -2, "dump");

    lua_pushcfunction(L, ngx_http_aws_sigv4_sandbox_set_library);

    ngx_http_aws_sigv4_lua_object(L);
    lua_setfield(L, -2, name);
}


/* require() must find what the globals have, and nothing else */

static void
ngx_http_aws_sigv4_sandbox_loaded(lua_State *L)
{
    const luaL_Reg  *library;

    lua_getglobal(L, LUA_LOADLIBNAME);
    lua_setfield(L, LUA_REGISTRYINDEX, LUA_LOADLIBNAME);

    luaL_findtable(L, LUA_REGISTRYINDEX, "_LOADED", 0);

    lua_pushnil(L);

    while (lua_next(L, -2)) {
        lua_pop(L, 1);
        lua_pushvalue(L, -1);
        lua_pushnil(L);
        lua_rawset(L, -4);
    }

    for (library = ngx_http_aws_sigv4_libraries; library->name; library++) {
        lua_getfield(L, -2, library->name);
        lua_setfield(L, -2, library->name);
    }

    lua_pop(L, 1);

    /* extensions that LuaJIT has ready, such as "string.buffer" */
    lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADLIBNAME);
    lua_newtable(L);
    lua_setfield(L, -2, "preload");
    lua_newtable(L);
    lua_setfield(L, LUA_REGISTRYINDEX, "_PRELOAD");
    lua_pop(L, 1);
}


static void
ngx_http_aws_sigv4_sandbox_globals(lua_State *L)
{
    /* ("").format finds the functions, getmetatable("") nothing */

    lua_pushliteral(L, "");
    lua_getmetatable(L, -1);
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 2);

    lua_newtable(L);
    lua_createtable(L, 0, 3);

    lua_pushvalue(L, -3);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, ngx_http_aws_sigv4_sandbox_set_global);
    lua_setfield(L, -2, "__newindex");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");

    lua_setmetatable(L, -2);

    /* the environment of all that is loaded from now on */
    lua_replace(L, LUA_GLOBALSINDEX);
}


static int
ngx_http_aws_sigv4_sandbox_set_global(lua_State *L)
{
    return luaL_error(L, "global \"%s\" cannot be set, write \"local %s\"",
                      lua_tostring(L, 2), lua_tostring(L, 2));
}


static int
ngx_http_aws_sigv4_sandbox_set_library(lua_State *L)
{
    return luaL_error(L, "the libraries cannot be changed");
}


/*
 * A module that failed to load is tried again by the next request: it may
 * have been the request's fault.
 */

static int
ngx_http_aws_sigv4_sandbox_require(lua_State *L)
{
    luaL_checkstring(L, 1);
    lua_settop(L, 1);

    lua_pushvalue(L, lua_upvalueindex(1));
    lua_pushvalue(L, 1);

    if (lua_pcall(L, 1, 1, 0) == 0) {
        return 1;
    }

    lua_getfield(L, LUA_REGISTRYINDEX, "_LOADED");
    lua_pushvalue(L, 1);
    lua_pushnil(L);
    lua_rawset(L, -3);
    lua_pop(L, 1);

    return lua_error(L);
}


/*
 * That of Lua calls the handler where the error is raised.  If the count
 * hook raised it, hooks are disabled there, and the handler could run for
 * ever.  Here it is called when the error has been caught.
 */

static int
ngx_http_aws_sigv4_sandbox_xpcall(lua_State *L)
{
    int  rc;

    luaL_checkany(L, 2);

    /* the handler first, then the function and its arguments */
    lua_pushvalue(L, 1);
    lua_pushvalue(L, 2);
    lua_replace(L, 1);
    lua_replace(L, 2);

    rc = lua_pcall(L, lua_gettop(L) - 2, LUA_MULTRET, 0);

    if (rc == 0) {
        lua_pushboolean(L, 1);
        lua_replace(L, 1);
        return lua_gettop(L);
    }

    (void) lua_pcall(L, 1, 1, 0);

    lua_pushboolean(L, 0);
    lua_insert(L, 1);

    return 2;
}


static int
ngx_http_aws_sigv4_sandbox_load(lua_State *L)
{
    size_t       len;
    const char  *text, *name;

    text = luaL_checklstring(L, 1, &len);
    name = luaL_optstring(L, 2, "=(load)");

    if (luaL_loadbufferx(L, text, len, name, "t") == 0) {
        return 1;
    }

    lua_pushnil(L);
    lua_insert(L, -2);

    return 2;
}


/* into the error log, at the level "notice" */

static int
ngx_http_aws_sigv4_sandbox_print(lua_State *L)
{
    int        i, n;
    u_char     buf[NGX_HTTP_AWS_SIGV4_LUA_TEXT];
    ngx_str_t  text;

    n = lua_gettop(L);

    luaL_checkstack(L, 2 * n + 3, "too many arguments");
    lua_pushliteral(L, "");

    for (i = 1; i <= n; i++) {
        if (i > 1) {
            lua_pushliteral(L, "\t");
        }

        lua_pushvalue(L, lua_upvalueindex(1));
        lua_pushvalue(L, i);
        lua_call(L, 1, 1);

        if (!lua_isstring(L, -1)) {
            return luaL_error(L, "\"tostring\" must return a string");
        }
    }

    lua_concat(L, lua_gettop(L) - n);

    ngx_http_aws_sigv4_lua_text(L, buf, &text);

    ngx_log_error(NGX_LOG_NOTICE,
                  ngx_http_aws_sigv4_lua_run(L)->request->connection->log, 0,
                  "aws sigv4: %V", &text);

    return 0;
}
