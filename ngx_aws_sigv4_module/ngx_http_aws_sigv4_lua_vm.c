
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include "ngx_http_aws_sigv4_lua.h"


typedef struct {
    ngx_http_aws_sigv4_hook_t        *hook;
    ngx_uint_t                        skipped;
    ngx_uint_t                        done;
} ngx_http_aws_sigv4_reader_t;


static ngx_int_t ngx_http_aws_sigv4_vm_open(ngx_http_aws_sigv4_vm_t *vm);
static void ngx_http_aws_sigv4_vm_close(ngx_http_aws_sigv4_vm_t *vm);
static void ngx_http_aws_sigv4_vm_cleanup(void *data);
static void ngx_http_aws_sigv4_vm_reset(ngx_http_aws_sigv4_vm_t *vm,
    ngx_log_t *log);
static void *ngx_http_aws_sigv4_vm_alloc(void *data, void *p, size_t osize,
    size_t nsize);
static int ngx_http_aws_sigv4_vm_set_path(lua_State *L);
static int ngx_http_aws_sigv4_vm_compile(lua_State *L);
static const char *ngx_http_aws_sigv4_vm_read(lua_State *L, void *data,
    size_t *len);
static void ngx_http_aws_sigv4_vm_count(lua_State *L, lua_Debug *ar);
static void ngx_http_aws_sigv4_vm_exceeded(lua_State *L, lua_Debug *ar,
    const char *what, int limit);
static ngx_uint_t ngx_http_aws_sigv4_vm_timed_out(
    ngx_http_aws_sigv4_run_t *run);
static ngx_uint_t ngx_http_aws_sigv4_vm_clock(clockid_t id);


ngx_http_aws_sigv4_vm_t *
ngx_http_aws_sigv4_vm_create(ngx_conf_t *cf,
    ngx_http_aws_sigv4_main_conf_t *smcf)
{
    ngx_pool_cleanup_t       *cln;
    ngx_http_aws_sigv4_vm_t  *vm;

    vm = ngx_pcalloc(cf->pool, sizeof(ngx_http_aws_sigv4_vm_t));
    if (vm == NULL) {
        return NULL;
    }

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NULL;
    }

    vm->conf = smcf;

    if (ngx_http_aws_sigv4_vm_open(vm) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "cannot create a Lua VM");
        return NULL;
    }

    cln->handler = ngx_http_aws_sigv4_vm_cleanup;
    cln->data = vm;

    return vm;
}


static ngx_int_t
ngx_http_aws_sigv4_vm_open(ngx_http_aws_sigv4_vm_t *vm)
{
    lua_State  *L;

    /*
     * Not lua_newstate(): where pointers in LuaJIT have 32 bits, its own
     * allocator is the only one that can serve.  The limits stand before it.
     */

    L = luaL_newstate();
    if (L == NULL) {
        return NGX_ERROR;
    }

    vm->state = L;
    vm->used = (size_t) lua_gc(L, LUA_GCCOUNT, 0) * 1024
               + lua_gc(L, LUA_GCCOUNTB, 0);

    vm->alloc = lua_getallocf(L, &vm->alloc_data);
    lua_setallocf(L, ngx_http_aws_sigv4_vm_alloc, vm);

    /* compiled traces do not count instructions */
    luaJIT_setmode(L, 0, LUAJIT_MODE_ENGINE|LUAJIT_MODE_OFF);

    if (lua_cpcall(L, ngx_http_aws_sigv4_lua_sandbox, NULL) != 0) {
        ngx_http_aws_sigv4_vm_close(vm);
        return NGX_ERROR;
    }

    lua_gc(L, LUA_GCCOLLECT, 0);
    vm->collect = vm->used + NGX_HTTP_AWS_SIGV4_LUA_GARBAGE;

    return ngx_http_aws_sigv4_vm_path(vm);
}


static void
ngx_http_aws_sigv4_vm_close(ngx_http_aws_sigv4_vm_t *vm)
{
    /* LuaJIT gives its arenas back if it finds its own allocator */
    lua_setallocf(vm->state, vm->alloc, vm->alloc_data);
    lua_close(vm->state);

    vm->state = NULL;
}


static void
ngx_http_aws_sigv4_vm_cleanup(void *data)
{
    ngx_http_aws_sigv4_vm_t  *vm = data;

    if (vm->state != NULL) {
        ngx_http_aws_sigv4_vm_close(vm);
    }
}


/* for a VM that its modules have filled: it would never run a hook again */

static void
ngx_http_aws_sigv4_vm_reset(ngx_http_aws_sigv4_vm_t *vm, ngx_log_t *log)
{
    const char                 *err;
    ngx_http_aws_sigv4_hook_t  *hook;

    ngx_log_error(NGX_LOG_ERR, log, 0,
                  "aws sigv4: Lua modules hold %uz bytes, "
                  "their state is dropped", vm->used);

    ngx_http_aws_sigv4_vm_close(vm);

    if (ngx_http_aws_sigv4_vm_open(vm) != NGX_OK) {
        ngx_log_error(NGX_LOG_ALERT, log, 0,
                      "aws sigv4: cannot create a Lua VM");
        return;
    }

    for (hook = vm->hooks; hook != NULL; hook = hook->next) {
        err = ngx_http_aws_sigv4_vm_load(vm, hook);

        if (err != NULL) {
            ngx_log_error(NGX_LOG_ALERT, log, 0, "aws sigv4: %s", err);
            ngx_http_aws_sigv4_vm_close(vm);
            return;
        }
    }
}


static void *
ngx_http_aws_sigv4_vm_alloc(void *data, void *p, size_t osize, size_t nsize)
{
    ngx_http_aws_sigv4_vm_t *vm = data;

    void  *new;

    if (nsize > osize
        && nsize - osize > NGX_HTTP_AWS_SIGV4_LUA_MEMORY - vm->used)
    {
        return NULL;
    }

    new = vm->alloc(vm->alloc_data, p, osize, nsize);

    if (new != NULL || nsize == 0) {
        vm->used += nsize - osize;
    }

    return new;
}


ngx_int_t
ngx_http_aws_sigv4_vm_path(ngx_http_aws_sigv4_vm_t *vm)
{
    int  rc;

    rc = lua_cpcall(vm->state, ngx_http_aws_sigv4_vm_set_path, vm->conf);

    lua_settop(vm->state, 0);

    return rc ? NGX_ERROR : NGX_OK;
}


static int
ngx_http_aws_sigv4_vm_set_path(lua_State *L)
{
    ngx_str_t                       *path, *cpath;
    ngx_http_aws_sigv4_main_conf_t  *smcf;

    smcf = lua_touserdata(L, 1);

    path = &smcf->lua_package_path;
    cpath = &smcf->lua_package_cpath;

    lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADLIBNAME);

    lua_pushlstring(L, (char *) path->data, path->len);
    lua_setfield(L, -2, "path");

    lua_pushlstring(L, (char *) cpath->data, cpath->len);
    lua_setfield(L, -2, "cpath");

    return 0;
}


const char *
ngx_http_aws_sigv4_vm_load(ngx_http_aws_sigv4_vm_t *vm,
    ngx_http_aws_sigv4_hook_t *hook)
{
    if (lua_cpcall(vm->state, ngx_http_aws_sigv4_vm_compile, hook) != 0) {
        return lua_tostring(vm->state, -1);
    }

    return NULL;
}


static int
ngx_http_aws_sigv4_vm_compile(lua_State *L)
{
    ngx_http_aws_sigv4_reader_t  reader;

    reader.hook = lua_touserdata(L, 1);
    reader.skipped = 0;
    reader.done = 0;

    if (lua_loadx(L, ngx_http_aws_sigv4_vm_read, &reader,
                  (char *) reader.hook->chunk, "t")
        != 0)
    {
        return lua_error(L);
    }

    reader.hook->ref = luaL_ref(L, LUA_REGISTRYINDEX);

    return 0;
}


/* as many empty lines as stand before the code in its file, then the code */

static const char *
ngx_http_aws_sigv4_vm_read(lua_State *L, void *data, size_t *len)
{
    ngx_http_aws_sigv4_reader_t *reader = data;

    ngx_http_aws_sigv4_hook_t  *hook;

    static const char  lines[] = "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n";

    hook = reader->hook;

    if (reader->skipped < hook->skip) {
        *len = ngx_min(hook->skip - reader->skipped, sizeof(lines) - 1);
        reader->skipped += *len;

        return lines;
    }

    if (reader->done) {
        return NULL;
    }

    reader->done = 1;
    *len = hook->text.len;

    return (char *) hook->text.data;
}


ngx_int_t
ngx_http_aws_sigv4_vm_run(ngx_http_aws_sigv4_vm_t *vm,
    ngx_http_aws_sigv4_hook_t *hook, ngx_http_aws_sigv4_run_t *run)
{
    int         rc;
    lua_State  *L;

    L = vm->state;

    run->top = lua_gettop(L);
    run->previous = vm->run;

    vm->run = run;

    lua_sethook(L, ngx_http_aws_sigv4_vm_count, LUA_MASKCOUNT,
                NGX_HTTP_AWS_SIGV4_LUA_TICK);

    lua_rawgeti(L, LUA_REGISTRYINDEX, hook->ref);

    rc = lua_pcall(L, 0, 0, 0);

    return (rc == 0 || run->ended) ? NGX_OK : NGX_ERROR;
}


void
ngx_http_aws_sigv4_vm_done(ngx_http_aws_sigv4_vm_t *vm, ngx_log_t *log)
{
    ngx_http_aws_sigv4_run_t  *run;

    run = vm->run;

    lua_settop(vm->state, run->top);
    ngx_http_aws_sigv4_lua_body_free(run);

    vm->run = run->previous;

    if (vm->run != NULL || vm->used <= vm->collect) {
        return;
    }

    /* LuaJIT does not collect when it is about to run out of memory */

    lua_gc(vm->state, LUA_GCCOLLECT, 0);
    vm->collect = vm->used + NGX_HTTP_AWS_SIGV4_LUA_GARBAGE;

    if (vm->used > NGX_HTTP_AWS_SIGV4_LUA_MEMORY / 2) {
        ngx_http_aws_sigv4_vm_reset(vm, log);
    }
}


/*
 * An error can be caught by pcall(), so from here on each instruction of
 * the code raises it again.
 */

int
ngx_http_aws_sigv4_vm_end(lua_State *L)
{
    ngx_http_aws_sigv4_lua_run(L)->ended = 1;

    lua_sethook(L, ngx_http_aws_sigv4_vm_count, LUA_MASKCOUNT, 1);
    lua_pushnil(L);

    return lua_error(L);
}


static void
ngx_http_aws_sigv4_vm_count(lua_State *L, lua_Debug *ar)
{
    ngx_http_aws_sigv4_run_t  *run;

    run = ngx_http_aws_sigv4_lua_run(L);

    if (run->ended) {
        ngx_http_aws_sigv4_vm_end(L);
    }

    run->instructions += NGX_HTTP_AWS_SIGV4_LUA_TICK;

    if (run->instructions > NGX_HTTP_AWS_SIGV4_LUA_INSTRUCTIONS) {
        ngx_http_aws_sigv4_vm_exceeded(L, ar, "instructions",
                                       NGX_HTTP_AWS_SIGV4_LUA_INSTRUCTIONS);
    }

    if (ngx_http_aws_sigv4_vm_timed_out(run)) {
        ngx_http_aws_sigv4_vm_exceeded(L, ar, "milliseconds",
                                       NGX_HTTP_AWS_SIGV4_LUA_TIME);
    }
}


static void
ngx_http_aws_sigv4_vm_exceeded(lua_State *L, lua_Debug *ar,
    const char *what, int limit)
{
    lua_sethook(L, ngx_http_aws_sigv4_vm_count, LUA_MASKCOUNT, 1);

    lua_getinfo(L, "Sl", ar);
    lua_pushfstring(L, "%s:%d: more than %d %s were used", ar->short_src,
                    ar->currentline, limit, what);
    lua_error(L);
}


/*
 * A machine may have been busy with something else, so CPU time decides.
 * It takes a system call, the other clock does not.
 */

static ngx_uint_t
ngx_http_aws_sigv4_vm_timed_out(ngx_http_aws_sigv4_run_t *run)
{
    ngx_uint_t  now;

    now = ngx_http_aws_sigv4_vm_clock(CLOCK_MONOTONIC);

    if (run->instructions == NGX_HTTP_AWS_SIGV4_LUA_TICK) {
        run->start = now;
        run->cpu_start = ngx_http_aws_sigv4_vm_clock(CLOCK_PROCESS_CPUTIME_ID);
        return 0;
    }

    if (now - run->start <= NGX_HTTP_AWS_SIGV4_LUA_TIME) {
        return 0;
    }

    now = ngx_http_aws_sigv4_vm_clock(CLOCK_PROCESS_CPUTIME_ID);

    return now - run->cpu_start > NGX_HTTP_AWS_SIGV4_LUA_TIME;
}


static ngx_uint_t
ngx_http_aws_sigv4_vm_clock(clockid_t id)
{
    struct timespec  ts;

    (void) clock_gettime(id, &ts);

    return (ngx_uint_t) ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}
