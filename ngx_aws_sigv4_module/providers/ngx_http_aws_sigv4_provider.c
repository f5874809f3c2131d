
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
static char *ngx_http_aws_sigv4_provider_value(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p, ngx_uint_t i, ngx_str_t *value);
static void ngx_http_aws_sigv4_provider_wipe(ngx_conf_t *cf);
static void ngx_http_aws_sigv4_store_cleanup(void *data);


static ngx_http_aws_sigv4_provider_type_t  *ngx_http_aws_sigv4_types[] = {
    &ngx_http_aws_sigv4_static_provider,
    NULL
};


ngx_int_t
ngx_http_aws_sigv4_store_create(ngx_conf_t *cf,
    ngx_http_aws_sigv4_store_t *store)
{
    ngx_pool_cleanup_t  *cln;

    if (ngx_array_init(&store->providers, cf->pool, 4,
                       sizeof(ngx_http_aws_sigv4_provider_t *))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    cln->handler = ngx_http_aws_sigv4_store_cleanup;
    cln->data = store;

    return NGX_OK;
}


ngx_int_t
ngx_http_aws_sigv4_store_init_module(ngx_cycle_t *cycle,
    ngx_http_aws_sigv4_store_t *store)
{
    return NGX_OK;
}


ngx_int_t
ngx_http_aws_sigv4_store_init_process(ngx_cycle_t *cycle,
    ngx_http_aws_sigv4_store_t *store)
{
    return NGX_OK;
}


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


ngx_http_aws_sigv4_provider_t *
ngx_http_aws_sigv4_provider_use(ngx_conf_t *cf,
    ngx_http_aws_sigv4_store_t *store, ngx_str_t *name)
{
    ngx_http_aws_sigv4_provider_t  *p;

    p = ngx_http_aws_sigv4_provider_find(store, name);

    if (p == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "provider \"%V\" of \"aws_sigv4_credentials\" is "
                           "not defined, define it by "
                           "\"aws_sigv4_provider %V TYPE ...\" in \"http\"",
                           name, name);
        return NULL;
    }

    p->used = 1;

    return p;
}


ngx_int_t
ngx_http_aws_sigv4_providers_init(ngx_conf_t *cf,
    ngx_http_aws_sigv4_store_t *store)
{
    ngx_int_t                        rc;
    ngx_uint_t                       i;
    ngx_http_aws_sigv4_provider_t   *p, **pp;

    for (i = 0; i < store->providers.nelts; i++) {

        /* a chain that is loaded adds its members, and the array moves */

        pp = store->providers.elts;
        p = pp[i];

        if (p->implied && !p->used) {
            continue;
        }

        rc = ngx_http_aws_sigv4_provider_load(cf, p);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (rc == NGX_DECLINED && p->used) {
            ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                          "aws sigv4: provider \"%V\" has no credentials: "
                          "%s; requests are refused until it has",
                          &p->name, p->reason);
        }
    }

    return NGX_OK;
}


ngx_http_aws_sigv4_provider_t *
ngx_http_aws_sigv4_provider_find(ngx_http_aws_sigv4_store_t *store,
    ngx_str_t *name)
{
    ngx_uint_t                       i;
    ngx_http_aws_sigv4_provider_t  **p;

    p = store->providers.elts;

    for (i = 0; i < store->providers.nelts; i++) {

        if (p[i]->implied && !p[i]->used) {
            continue;
        }

        if (p[i]->name.len == name->len
            && ngx_strncmp(p[i]->name.data, name->data, name->len) == 0)
        {
            return p[i];
        }
    }

    return NULL;
}


ngx_http_aws_sigv4_provider_t *
ngx_http_aws_sigv4_provider_add(ngx_conf_t *cf,
    ngx_http_aws_sigv4_store_t *store, ngx_str_t *name,
    ngx_http_aws_sigv4_provider_type_t *type)
{
    ngx_uint_t                       n;
    ngx_http_aws_sigv4_provider_t   *p, **pp;

    p = ngx_pcalloc(cf->pool, sizeof(ngx_http_aws_sigv4_provider_t));
    if (p == NULL) {
        return NULL;
    }

    for (n = 0; type->params[n].name.len; n++) { /* void */ }

    p->params = ngx_pcalloc(cf->pool, (n + 1) * sizeof(ngx_str_t));
    if (p->params == NULL) {
        return NULL;
    }

    p->name = *name;
    p->type = type;
    p->store = store;
    p->file = cf->conf_file->file.name.data;
    p->line = cf->conf_file->line;

    pp = ngx_array_push(&store->providers);
    if (pp == NULL) {
        return NULL;
    }

    *pp = p;

    return p;
}


ngx_http_aws_sigv4_provider_type_t *
ngx_http_aws_sigv4_provider_type(ngx_str_t *name)
{
    ngx_uint_t                            i;
    ngx_http_aws_sigv4_provider_type_t  **type;

    type = ngx_http_aws_sigv4_types;

    for (i = 0; type[i] != NULL; i++) {

        if (type[i]->name.len == name->len
            && ngx_strncmp(type[i]->name.data, name->data, name->len) == 0)
        {
            return type[i];
        }
    }

    return NULL;
}


ngx_int_t
ngx_http_aws_sigv4_provider_load(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p)
{
    ngx_int_t        rc;
    ngx_conf_t       at;
    ngx_conf_file_t  file;

    if (p->loaded) {
        return p->configured ? NGX_OK : NGX_DECLINED;
    }

    /* what is wrong is wrong with the directive, not where "http" ends */

    file = *cf->conf_file;
    file.file.name.data = p->file;
    file.line = p->line;

    at = *cf;
    at.conf_file = &file;

    if (p->loading) {
        ngx_conf_log_error(NGX_LOG_EMERG, &at, 0,
                           "\"aws_sigv4_provider\": provider \"%V\" takes "
                           "its credentials from itself", &p->name);
        return NGX_ERROR;
    }

    p->loading = 1;

    rc = p->type->init(&at, p);

    p->loading = 0;
    p->loaded = 1;
    p->configured = (rc == NGX_OK);

    return rc;
}


static char *
ngx_http_aws_sigv4_provider_define(ngx_conf_t *cf,
    ngx_http_aws_sigv4_store_t *store)
{
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
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"aws_sigv4_provider\": unknown type \"%V\", "
                           "it can be static", &value[2]);
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
    u_char                      *eq;
    ngx_str_t                   *arg, name, value;
    ngx_uint_t                   i;
    ngx_http_aws_sigv4_param_t  *param;

    arg = cf->args->elts;
    arg += n;

    eq = ngx_strlchr(arg->data, arg->data + arg->len, '=');

    if (eq == NULL) {

        /* it may be a secret, so it is not shown */

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
            return ngx_http_aws_sigv4_provider_value(cf, p, i, &value);
        }
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"aws_sigv4_provider\": a provider of type \"%V\" "
                       "has no parameter \"%V\"", &p->type->name, &name);

    return NGX_CONF_ERROR;
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
 * arguments nor in the part of the buffer that has been read.
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
}


static void
ngx_http_aws_sigv4_store_cleanup(void *data)
{
    ngx_http_aws_sigv4_store_t *store = data;

    ngx_uint_t                       i, n;
    ngx_http_aws_sigv4_param_t      *param;
    ngx_http_aws_sigv4_provider_t  **p;

    p = store->providers.elts;

    for (i = 0; i < store->providers.nelts; i++) {

        ngx_http_aws_sigv4_credentials_free(p[i]->credentials);
        p[i]->credentials = NULL;

        param = p[i]->type->params;

        for (n = 0; param[n].name.len; n++) {
            if (param[n].secret) {
                ngx_http_aws_sigv4_secret_free(p[i]->params[n].data);
                ngx_str_null(&p[i]->params[n]);
            }
        }
    }
}
