
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_aws_sigv4_provider.h"


static char *ngx_http_aws_sigv4_provider_define(ngx_conf_t *cf,
    ngx_http_aws_sigv4_store_t *store);
static char *ngx_http_aws_sigv4_provider_name(ngx_conf_t *cf,
    ngx_http_aws_sigv4_store_t *store, ngx_str_t *name);
static char *ngx_http_aws_sigv4_provider_param(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p, ngx_uint_t n);
static u_char *ngx_http_aws_sigv4_provider_params(
    ngx_http_aws_sigv4_param_t *param, u_char *p, u_char *last);
static char *ngx_http_aws_sigv4_provider_value(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p, ngx_uint_t i, ngx_str_t *value);
static void ngx_http_aws_sigv4_provider_wipe(ngx_conf_t *cf);
static void ngx_http_aws_sigv4_provider_forget(ngx_conf_t *cf,
    ngx_str_t *arg);


char *
ngx_http_aws_sigv4_provider(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char  *p = conf;

    char  *rv;

    rv = ngx_http_aws_sigv4_provider_define(cf,
                            (ngx_http_aws_sigv4_store_t *) (p + cmd->offset));

    ngx_http_aws_sigv4_provider_wipe(cf);

    return rv;
}


static char *
ngx_http_aws_sigv4_provider_define(ngx_conf_t *cf,
    ngx_http_aws_sigv4_store_t *store)
{
    u_char                              *last, types[256];
    ngx_str_t                           *value;
    ngx_uint_t                           i;
    ngx_http_aws_sigv4_provider_t       *p;
    ngx_http_aws_sigv4_provider_type_t  *type;

    value = cf->args->elts;

    if (ngx_http_aws_sigv4_provider_name(cf, store, &value[1])
        != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    type = ngx_http_aws_sigv4_provider_type(&value[2]);

    if (type == NULL) {
        last = ngx_http_aws_sigv4_provider_types(types,
                                                 types + sizeof(types));

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"aws_sigv4_provider\": unknown type \"%V\", "
                           "it can be %*s", &value[2],
                           (size_t) (last - types), types);
        return NGX_CONF_ERROR;
    }

    p = ngx_http_aws_sigv4_provider_add(cf, store, &value[1], type);
    if (p == NULL) {
        return NGX_CONF_ERROR;
    }

    for (i = 3; i < cf->args->nelts; i++) {
        if (ngx_http_aws_sigv4_provider_param(cf, p, i) != NGX_CONF_OK) {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_aws_sigv4_provider_name(ngx_conf_t *cf,
    ngx_http_aws_sigv4_store_t *store, ngx_str_t *name)
{
    u_char                          ch;
    ngx_uint_t                      i;
    ngx_http_aws_sigv4_provider_t  *p;

    for (i = 0; i < name->len; i++) {
        ch = name->data[i];

        /* "," separates the names in a chain */

        if (ch <= ' ' || ch >= 0x7f || ch == ',' || ch == '$' || ch == '=') {
            break;
        }
    }

    if (i < name->len || i == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"aws_sigv4_provider\": the first argument is "
                           "a name, without space, comma, \"$\" or \"=\"");
        return NGX_CONF_ERROR;
    }

    p = ngx_http_aws_sigv4_provider_find(store, name);

    if (p != NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"aws_sigv4_provider\": provider \"%V\" is "
                           "duplicate, the first is in %s:%ui",
                           name, p->file, p->line);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_aws_sigv4_provider_param(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p, ngx_uint_t n)
{
    u_char                      *eq, *last, names[512];
    ngx_str_t                   *arg, name, value;
    ngx_uint_t                   i;
    ngx_http_aws_sigv4_param_t  *param;

    arg = cf->args->elts;
    arg += n;

    for (eq = arg->data; (*eq >= 'a' && *eq <= 'z') || *eq == '_'; eq++) {
        /* void */
    }

    if (*eq != '=') {

        /* it may be a secret, which may end with "=", so it is not shown */

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"aws_sigv4_provider\": argument %ui of "
                           "provider \"%V\" is not of the form "
                           "parameter=value", n, &p->name);
        return NGX_CONF_ERROR;
    }

    name.data = arg->data;
    name.len = eq - arg->data;

    value.data = eq + 1;
    value.len = arg->data + arg->len - value.data;

    param = p->type->params;

    for (i = 0; param[i].name.len; i++) {

        if (param[i].name.len == name.len
            && ngx_strncmp(param[i].name.data, name.data, name.len) == 0)
        {
            if (param[i].secret) {
                ngx_http_aws_sigv4_provider_forget(cf, arg);
            }

            return ngx_http_aws_sigv4_provider_value(cf, p, i, &value);
        }
    }

    last = ngx_http_aws_sigv4_provider_params(param, names,
                                              names + sizeof(names));

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"aws_sigv4_provider\": a provider of type \"%V\" "
                       "has no parameter \"%V\", it has %*s", &p->type->name,
                       &name, (size_t) (last - names), names);

    return NGX_CONF_ERROR;
}


static u_char *
ngx_http_aws_sigv4_provider_params(ngx_http_aws_sigv4_param_t *param,
    u_char *p, u_char *last)
{
    ngx_uint_t  i;

    if (param[0].name.len == 0) {
        return ngx_slprintf(p, last, "none");
    }

    for (i = 0; param[i].name.len; i++) {
        p = ngx_slprintf(p, last, "%s\"%V=\"",
                         i == 0 ? "" : param[i + 1].name.len ? ", " : " and ",
                         &param[i].name);
    }

    return p;
}


static char *
ngx_http_aws_sigv4_provider_value(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p, ngx_uint_t i, ngx_str_t *value)
{
    ngx_str_t                   *dst;
    ngx_http_aws_sigv4_param_t  *param;

    dst = &p->params[i];
    param = &p->type->params[i];

    if (dst->data != NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"aws_sigv4_provider\": parameter \"%V\" is "
                           "duplicate", &param->name);
        return NGX_CONF_ERROR;
    }

    if (value->len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"aws_sigv4_provider\": parameter \"%V\" has "
                           "no value", &param->name);
        return NGX_CONF_ERROR;
    }

    if (param->secret) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "\"aws_sigv4_provider\": a secret stands in this "
                           "file, put it into a file of its own and write "
                           "\"%V_file=PATH\" instead of \"%V=\"",
                           &param->name, &param->name);

        dst->data = ngx_http_aws_sigv4_secret_alloc(value->len + 1, cf->log);

    } else {
        dst->data = ngx_pnalloc(cf->pool, value->len + 1);
    }

    if (dst->data == NULL) {
        return NGX_CONF_ERROR;
    }

    dst->len = value->len;
    *ngx_cpymem(dst->data, value->data, value->len) = '\0';

    return NGX_CONF_OK;
}


/*
 * Secrets do not stay where a core file would show them: neither in the
 * arguments nor in the buffer, in what was read before and what was moved.
 */

static void
ngx_http_aws_sigv4_provider_wipe(ngx_conf_t *cf)
{
    ngx_buf_t   *b;
    ngx_str_t   *value;
    ngx_uint_t   i;

    value = cf->args->elts;

    for (i = 3; i < cf->args->nelts; i++) {
        ngx_explicit_memzero(value[i].data, value[i].len);
    }

    b = cf->conf_file->buffer;

    ngx_explicit_memzero(b->start, b->pos - b->start);
    ngx_explicit_memzero(b->last, b->end - b->last);
}


/*
 * nginx built with --with-debug keeps the text of all files in case that
 * -T asks for it, and where it does, it is to be the text.
 */

static void
ngx_http_aws_sigv4_provider_forget(ngx_conf_t *cf, ngx_str_t *arg)
{
    size_t      n, len;
    ngx_buf_t  *b, *dump;

    b = cf->conf_file->buffer;
    dump = cf->conf_file->dump;

    if (dump == NULL || ngx_dump_config) {
        return;
    }

    len = (dump->last - dump->start) - (b->last - b->pos);

    for (n = len; n >= arg->len; n--) {

        if (ngx_memcmp(dump->start + n - arg->len, arg->data, arg->len) == 0)
        {
            ngx_memset(dump->start + n - arg->len, '*', arg->len);
            return;
        }
    }

    /* it is written in another way, with a backslash in it */

    ngx_memset(dump->start, '*', len);
}
