
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include "ngx_http_aws_sigv4_lua.h"


static ngx_http_aws_sigv4_hook_t *ngx_http_aws_sigv4_hook_create(
    ngx_conf_t *cf);
static ngx_int_t ngx_http_aws_sigv4_hook_chunk(ngx_conf_t *cf,
    ngx_http_aws_sigv4_hook_t *hook, ngx_str_t *file);
static char *ngx_http_aws_sigv4_hook_compile(ngx_conf_t *cf,
    ngx_http_aws_sigv4_hook_t *hook);
static ngx_int_t ngx_http_aws_sigv4_hook_read_file(ngx_conf_t *cf,
    ngx_str_t *name, ngx_str_t *text);


char *
ngx_http_aws_sigv4_by_lua_block(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_aws_sigv4_loc_conf_t *slcf = conf;

    ngx_http_aws_sigv4_hook_t  *hook;

    if (slcf->hook != NULL) {
        return "is duplicate";
    }

    hook = ngx_http_aws_sigv4_hook_create(cf);
    if (hook == NULL) {
        return NGX_CONF_ERROR;
    }

    hook->skip = hook->line - 1;

    if (ngx_http_aws_sigv4_hook_chunk(cf, hook, &hook->file) != NGX_OK
        || ngx_http_aws_sigv4_lua_block(cf, &hook->text) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    slcf->hook = hook;

    return ngx_http_aws_sigv4_hook_compile(cf, hook);
}


char *
ngx_http_aws_sigv4_by_lua_file(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_aws_sigv4_loc_conf_t *slcf = conf;

    ngx_str_t                  *value;
    ngx_http_aws_sigv4_hook_t  *hook;

    if (slcf->hook != NULL) {
        return "is duplicate";
    }

    hook = ngx_http_aws_sigv4_hook_create(cf);
    if (hook == NULL) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    if (ngx_conf_full_name(cf->cycle, &value[1], 0) != NGX_OK
        || ngx_http_aws_sigv4_hook_chunk(cf, hook, &value[1]) != NGX_OK
        || ngx_http_aws_sigv4_hook_read_file(cf, &value[1], &hook->text)
           != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    slcf->hook = hook;

    return ngx_http_aws_sigv4_hook_compile(cf, hook);
}


static ngx_http_aws_sigv4_hook_t *
ngx_http_aws_sigv4_hook_create(ngx_conf_t *cf)
{
    ngx_str_t                  *value;
    ngx_http_aws_sigv4_hook_t  *hook;

    hook = ngx_pcalloc(cf->pool, sizeof(ngx_http_aws_sigv4_hook_t));
    if (hook == NULL) {
        return NULL;
    }

    value = cf->args->elts;

    hook->directive = value[0];
    hook->file = cf->conf_file->file.name;
    hook->line = cf->conf_file->line;

    return hook;
}


/* Lua shows the end of the name that follows "@", if it is a long one */

static ngx_int_t
ngx_http_aws_sigv4_hook_chunk(ngx_conf_t *cf, ngx_http_aws_sigv4_hook_t *hook,
    ngx_str_t *file)
{
    hook->chunk = ngx_pnalloc(cf->pool, file->len + 2);
    if (hook->chunk == NULL) {
        return NGX_ERROR;
    }

    hook->chunk[0] = '@';
    ngx_cpystrn(hook->chunk + 1, file->data, file->len + 1);

    return NGX_OK;
}


static char *
ngx_http_aws_sigv4_hook_compile(ngx_conf_t *cf,
    ngx_http_aws_sigv4_hook_t *hook)
{
    const char                      *err;
    ngx_http_aws_sigv4_main_conf_t  *smcf;

    smcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_aws_sigv4_module);

    if (smcf->vm == NULL) {
        smcf->vm = ngx_http_aws_sigv4_vm_create(cf, smcf);
        if (smcf->vm == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    err = ngx_http_aws_sigv4_vm_load(smcf->vm, hook);

    if (err != NULL) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"%V\" in %V:%ui is not valid Lua: %s",
                      &hook->directive, &hook->file, hook->line, err);
        return NGX_CONF_ERROR;
    }

    hook->next = smcf->vm->hooks;
    smcf->vm->hooks = hook;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_aws_sigv4_hook_read_file(ngx_conf_t *cf, ngx_str_t *name,
    ngx_str_t *text)
{
    off_t       size;
    ssize_t     n;
    ngx_int_t   rc;
    ngx_file_t  file;

    rc = NGX_ERROR;

    ngx_memzero(&file, sizeof(ngx_file_t));
    file.name = *name;
    file.log = cf->log;

    /* nobody may be there to write into a FIFO */

    file.fd = ngx_open_file(name->data, NGX_FILE_RDONLY|NGX_FILE_NONBLOCK,
                            NGX_FILE_OPEN, 0);

    if (file.fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           "\"aws_sigv4_by_lua_file\": " ngx_open_file_n
                           " \"%V\" failed", name);
        return NGX_ERROR;
    }

    if (ngx_fd_info(file.fd, &file.info) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_fd_info_n " \"%V\" failed", name);
        goto done;
    }

    if (!ngx_is_file(&file.info)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"aws_sigv4_by_lua_file\": \"%V\" is not a file",
                           name);
        goto done;
    }

    size = ngx_file_size(&file.info);

    if (size > NGX_HTTP_AWS_SIGV4_LUA_CODE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"aws_sigv4_by_lua_file\": \"%V\" is longer than "
                           "%d bytes", name,
                           NGX_HTTP_AWS_SIGV4_LUA_CODE);
        goto done;
    }

    text->len = (size_t) size;
    text->data = ngx_pnalloc(cf->pool, text->len + 1);

    if (text->data == NULL) {
        goto done;
    }

    n = ngx_read_file(&file, text->data, text->len, 0);

    if (n == NGX_ERROR) {
        goto done;
    }

    if ((size_t) n != text->len) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           ngx_read_file_n " returned only %z bytes of "
                           "\"%V\"", n, name);
        goto done;
    }

    rc = NGX_OK;

done:

    if (ngx_close_file(file.fd) == NGX_FILE_ERROR) {
        ngx_log_error(NGX_LOG_ALERT, cf->log, ngx_errno,
                      ngx_close_file_n " \"%V\" failed", name);
    }

    return rc;
}


ngx_int_t
ngx_http_aws_sigv4_lua_init(ngx_conf_t *cf)
{
    ngx_http_aws_sigv4_main_conf_t  *smcf;

    smcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_aws_sigv4_module);

    if (smcf->vm == NULL) {
        return NGX_OK;
    }

    return ngx_http_aws_sigv4_vm_path(smcf->vm);
}


ngx_int_t
ngx_http_aws_sigv4_hook_run(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx)
{
    u_char                           buf[NGX_HTTP_AWS_SIGV4_LUA_TEXT];
    ngx_int_t                        rc;
    ngx_str_t                        text;
    ngx_http_aws_sigv4_vm_t         *vm;
    ngx_http_aws_sigv4_run_t         run;
    ngx_http_aws_sigv4_hook_t       *hook;
    ngx_http_aws_sigv4_main_conf_t  *smcf;

    smcf = ngx_http_get_module_main_conf(r, ngx_http_aws_sigv4_module);

    vm = smcf->vm;
    hook = ctx->conf->hook;

    ngx_memzero(&run, sizeof(ngx_http_aws_sigv4_run_t));
    run.request = r;
    run.ctx = ctx;

    if (vm->state == NULL) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "aws sigv4: there is no Lua VM since an earlier error");
        return NGX_ERROR;
    }

    rc = ngx_http_aws_sigv4_vm_run(vm, hook, &run);

    if (rc != NGX_OK) {
        ngx_http_aws_sigv4_lua_text(vm->state, buf, &text);

        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "aws sigv4: \"%V\" in %V:%ui failed: %V",
                      &hook->directive, &hook->file, hook->line, &text);
    }

    ngx_http_aws_sigv4_vm_done(vm, r->connection->log);

    return rc;
}


/* lua_tolstring() of a number would allocate, and could fail */

void
ngx_http_aws_sigv4_lua_text(lua_State *L, u_char *buf, ngx_str_t *text)
{
    size_t       i, len;
    const char  *message;

    if (lua_type(L, -1) == LUA_TSTRING) {
        message = lua_tolstring(L, -1, &len);

    } else {
        message = luaL_typename(L, -1);
        len = ngx_strlen(message);
    }

    len = ngx_min(len, NGX_HTTP_AWS_SIGV4_LUA_TEXT);

    for (i = 0; i < len; i++) {
        buf[i] = message[i];

        if (buf[i] < 0x20 || buf[i] == 0x7f) {
            buf[i] = ' ';
        }
    }

    text->data = buf;
    text->len = len;
}
