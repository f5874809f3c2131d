
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The embedded LuaJIT VM.  There is one for each configuration: the master
 * makes it and compiles the hooks, the workers inherit it.  What it runs is
 * the operator's own code, but a mistake in it must not stop a worker, and
 * one request must not see what another one left behind.
 */


#ifndef _NGX_HTTP_AWS_SIGV4_LUA_H_INCLUDED_
#define _NGX_HTTP_AWS_SIGV4_LUA_H_INCLUDED_


#include "ngx_http_aws_sigv4_module.h"

#include <jansson.h>
#include <lauxlib.h>
#include <lua.h>
#include <luajit.h>
#include <lualib.h>


/* of a message in the log */
#define NGX_HTTP_AWS_SIGV4_LUA_TEXT          1024

/* of one hook, in source form */
#define NGX_HTTP_AWS_SIGV4_LUA_CODE          (1024 * 1024)

/*
 * What one run may use: instructions, about ten milliseconds of them, and
 * milliseconds of CPU time, as one instruction may copy megabytes.  Both are
 * looked at after so many instructions.
 */
#define NGX_HTTP_AWS_SIGV4_LUA_INSTRUCTIONS  1000000
#define NGX_HTTP_AWS_SIGV4_LUA_TIME          1000
#define NGX_HTTP_AWS_SIGV4_LUA_TICK          100

/* bytes that the VM may hold */
#define NGX_HTTP_AWS_SIGV4_LUA_MEMORY        (32 * 1024 * 1024)

/* garbage that may lie between two runs */
#define NGX_HTTP_AWS_SIGV4_LUA_GARBAGE       (4 * 1024 * 1024)


/* what the code may see of a request while it runs */
typedef struct ngx_http_aws_sigv4_run_s  ngx_http_aws_sigv4_run_t;

struct ngx_http_aws_sigv4_run_s {
    ngx_http_request_t               *request;
    ngx_http_aws_sigv4_ctx_t         *ctx;

    ngx_str_t                         body;         /* NULL: too long */
    u_char                           *copy;         /* of a spooled body */
    json_t                           *json;         /* NULL: no object */

    ngx_http_aws_sigv4_run_t         *previous;
    int                               top;          /* of the stack before */

    ngx_uint_t                        instructions;
    ngx_uint_t                        start;        /* at the first tick */
    ngx_uint_t                        cpu_start;

    unsigned                          body_read:1;
    unsigned                          json_read:1;
    unsigned                          ended:1;      /* deny() or off() */
};


struct ngx_http_aws_sigv4_hook_s {
    int                               ref;
    ngx_str_t                         text;
    ngx_str_t                         directive;
    ngx_str_t                         file;         /* of the directive */
    ngx_uint_t                        line;
    u_char                           *chunk;        /* its name */
    ngx_uint_t                        skip;         /* lines before text */
    ngx_http_aws_sigv4_hook_t        *next;
};


struct ngx_http_aws_sigv4_vm_s {
    lua_State                        *state;
    ngx_http_aws_sigv4_run_t         *run;
    ngx_http_aws_sigv4_hook_t        *hooks;
    ngx_http_aws_sigv4_main_conf_t   *conf;

    lua_Alloc                         alloc;        /* that of LuaJIT */
    void                             *alloc_data;
    size_t                            used;
    size_t                            collect;      /* when used is more */
};


/* ngx_http_aws_sigv4_lua.c */

/* what is at the top of the stack, cut and fit for a line of the log */
void ngx_http_aws_sigv4_lua_text(lua_State *L, u_char *buf, ngx_str_t *text);


/* ngx_http_aws_sigv4_lua_block.c */

/* reads the code of a block, and the brace that ends it */
ngx_int_t ngx_http_aws_sigv4_lua_block(ngx_conf_t *cf, ngx_str_t *text);


/* ngx_http_aws_sigv4_lua_vm.c */

/* NULL: the VM could not be made, and the log says so */
ngx_http_aws_sigv4_vm_t *ngx_http_aws_sigv4_vm_create(ngx_conf_t *cf,
    ngx_http_aws_sigv4_main_conf_t *smcf);

/* compiles the hook; NULL, or what is wrong with it */
const char *ngx_http_aws_sigv4_vm_load(ngx_http_aws_sigv4_vm_t *vm,
    ngx_http_aws_sigv4_hook_t *hook);

/* aws_sigv4_lua_package_path and cpath */
ngx_int_t ngx_http_aws_sigv4_vm_path(ngx_http_aws_sigv4_vm_t *vm);

/*
 * NGX_OK, also if the code ended by deny() or off(); NGX_ERROR: the message
 * is at the top of the stack.  vm_done() follows in either case.
 */
ngx_int_t ngx_http_aws_sigv4_vm_run(ngx_http_aws_sigv4_vm_t *vm,
    ngx_http_aws_sigv4_hook_t *hook, ngx_http_aws_sigv4_run_t *run);
void ngx_http_aws_sigv4_vm_done(ngx_http_aws_sigv4_vm_t *vm,
    ngx_log_t *log);

/* ends the run from within, never returns */
int ngx_http_aws_sigv4_vm_end(lua_State *L);


/* ngx_http_aws_sigv4_lua_sandbox.c */

/* opens the libraries and leaves of them what a hook may use; protected */
int ngx_http_aws_sigv4_lua_sandbox(lua_State *L);


/* ngx_http_aws_sigv4_lua_api.c */

/* pushes "sigv4" */
void ngx_http_aws_sigv4_lua_api(lua_State *L);

/*
 * Pops __newindex and __index, and pushes a userdata that has them and whose
 * metatable cannot be reached.
 */
void ngx_http_aws_sigv4_lua_object(lua_State *L);

/* the value in an assignment to a field, as __newindex is given it */
void ngx_http_aws_sigv4_lua_string(lua_State *L, ngx_str_t *value);

/* moves the value into the memory of the request */
void ngx_http_aws_sigv4_lua_copy(lua_State *L, ngx_str_t *value);


/* ngx_http_aws_sigv4_lua_request.c */

/* push sigv4.headers and sigv4.var */
void ngx_http_aws_sigv4_lua_headers(lua_State *L);
void ngx_http_aws_sigv4_lua_variables(lua_State *L);


/* ngx_http_aws_sigv4_lua_body.c */

/* the body; its data is NULL if it is longer than the hook may see */
ngx_str_t *ngx_http_aws_sigv4_lua_body(lua_State *L, const char *name);

int ngx_http_aws_sigv4_lua_json(lua_State *L);
void ngx_http_aws_sigv4_lua_body_free(ngx_http_aws_sigv4_run_t *run);


/*
 * The data of the allocator leads from a state to its VM, faster than an
 * upvalue, and in the count hook, which has none.
 */

static ngx_inline ngx_http_aws_sigv4_vm_t *
ngx_http_aws_sigv4_lua_vm(lua_State *L)
{
    void  *data;

    (void) lua_getallocf(L, &data);

    return data;
}


static ngx_inline ngx_http_aws_sigv4_run_t *
ngx_http_aws_sigv4_lua_run(lua_State *L)
{
    return ngx_http_aws_sigv4_lua_vm(L)->run;
}


#endif /* _NGX_HTTP_AWS_SIGV4_LUA_H_INCLUDED_ */
