
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include "ngx_http_aws_sigv4_lua.h"


static ngx_int_t ngx_http_aws_sigv4_lua_read_body(
    ngx_http_aws_sigv4_run_t *run);
static ngx_int_t ngx_http_aws_sigv4_lua_copy_body(ngx_http_request_t *r,
    u_char *p);


/*
 * A name that stands twice in an object makes the whole of it void: the
 * upstream might take the other value than the one that was checked here.
 */

int
ngx_http_aws_sigv4_lua_json(lua_State *L)
{
    size_t                     len;
    json_t                    *value;
    const char                *name;
    ngx_http_aws_sigv4_run_t  *run;

    luaL_checktype(L, 1, LUA_TSTRING);
    name = lua_tolstring(L, 1, &len);

    (void) ngx_http_aws_sigv4_lua_body(L, "json");

    run = ngx_http_aws_sigv4_lua_run(L);

    if (!run->json_read) {
        run->json_read = 1;

        if (run->body.data != NULL) {
            run->json = json_loadb((char *) run->body.data, run->body.len,
                                   JSON_REJECT_DUPLICATES|JSON_ALLOW_NUL
                                   |JSON_DECODE_INT_AS_REAL, NULL);
        }
    }

    value = NULL;

    if (ngx_strlen(name) == len) {
        value = json_object_get(run->json, name);
    }

    if (!json_is_string(value)) {
        lua_pushnil(L);
        return 1;
    }

    lua_pushlstring(L, json_string_value(value), json_string_length(value));

    return 1;
}


void
ngx_http_aws_sigv4_lua_body_free(ngx_http_aws_sigv4_run_t *run)
{
    json_decref(run->json);

    if (run->copy != NULL) {
        ngx_free(run->copy);
    }
}


ngx_str_t *
ngx_http_aws_sigv4_lua_body(lua_State *L, const char *name)
{
    ngx_http_aws_sigv4_run_t  *run;

    run = ngx_http_aws_sigv4_lua_run(L);

    if (!run->ctx->conf->lua_need_body) {
        luaL_error(L, "no field \"%s\" without "
                   "\"aws_sigv4_lua_need_body on\"", name);
    }

    if (!run->body_read) {

        if (ngx_http_aws_sigv4_lua_read_body(run) != NGX_OK) {
            luaL_error(L, "the body cannot be read");
        }

        run->body_read = 1;
    }

    return &run->body;
}


static ngx_int_t
ngx_http_aws_sigv4_lua_read_body(ngx_http_aws_sigv4_run_t *run)
{
    off_t                length;
    ngx_chain_t         *cl;
    ngx_http_request_t  *r;

    r = run->request;

    length = r->request_body
             ? ngx_http_aws_sigv4_body_length(r->request_body->bufs) : 0;

    if (length > (off_t) run->ctx->conf->lua_body_size) {
        return NGX_OK;
    }

    if (length == 0) {
        ngx_str_set(&run->body, "");
        return NGX_OK;
    }

    cl = r->request_body->bufs;

    run->body.len = (size_t) length;

    if (cl->next == NULL && ngx_buf_in_memory(cl->buf)) {
        run->body.data = cl->buf->pos;
        return NGX_OK;
    }

    if (run->copy == NULL) {
        run->copy = ngx_alloc(run->body.len, r->connection->log);
        if (run->copy == NULL) {
            return NGX_ERROR;
        }
    }

    if (ngx_http_aws_sigv4_lua_copy_body(r, run->copy) != NGX_OK) {
        return NGX_ERROR;
    }

    run->body.data = run->copy;

    return NGX_OK;
}


static ngx_int_t
ngx_http_aws_sigv4_lua_copy_body(ngx_http_request_t *r, u_char *p)
{
    off_t         size;
    ssize_t       n;
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    for (cl = r->request_body->bufs; cl != NULL; cl = cl->next) {
        b = cl->buf;
        size = ngx_buf_size(b);

        if (ngx_buf_in_memory(b)) {
            p = ngx_cpymem(p, b->pos, (size_t) size);
            continue;
        }

        if (size == 0) {
            continue;
        }

        n = ngx_read_file(b->file, p, (size_t) size, b->file_pos);

        if (n != size) {
            return NGX_ERROR;
        }

        p += n;
    }

    return NGX_OK;
}
