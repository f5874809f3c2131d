
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_aws_sigv4_provider.h"
#include "ngx_http_aws_sigv4_refresh.h"


/* how often files are looked at, in milliseconds */
#define NGX_HTTP_AWS_SIGV4_CHECK          1500


static ngx_int_t ngx_http_aws_sigv4_home(ngx_conf_t *cf, ngx_str_t *home);
static void ngx_http_aws_sigv4_store_cleanup(void *data);


static ngx_http_aws_sigv4_provider_type_t  *ngx_http_aws_sigv4_types[] = {
    &ngx_http_aws_sigv4_static_provider,
    &ngx_http_aws_sigv4_env_provider,
    &ngx_http_aws_sigv4_profile_provider,
    &ngx_http_aws_sigv4_csv_provider,
    &ngx_http_aws_sigv4_process_provider,
    &ngx_http_aws_sigv4_web_identity_provider,
    &ngx_http_aws_sigv4_assume_role_provider,
    &ngx_http_aws_sigv4_container_provider,
    &ngx_http_aws_sigv4_imds_provider,
    &ngx_http_aws_sigv4_chain_provider,
    NULL
};


ngx_int_t
ngx_http_aws_sigv4_store_create(ngx_conf_t *cf,
    ngx_http_aws_sigv4_store_t *store)
{
    ngx_str_t            value;
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

    if (ngx_http_aws_sigv4_environ_init(cf) != NGX_OK) {
        return NGX_ERROR;
    }

    value = ngx_http_aws_sigv4_environ_get(cf, "AWS_REGION");

    if (value.len == 0) {
        value = ngx_http_aws_sigv4_environ_get(cf, "AWS_DEFAULT_REGION");
    }

    store->region.len = value.len;
    store->region.data = ngx_pstrdup(cf->pool, &value);

    return store->region.data ? NGX_OK : NGX_ERROR;
}


ngx_int_t
ngx_http_aws_sigv4_store_init_module(ngx_cycle_t *cycle,
    ngx_http_aws_sigv4_store_t *store)
{
    ngx_uint_t                       i, n;
    ngx_http_aws_sigv4_provider_t  **p;

    /* the user of the workers is known only now */

    p = store->providers.elts;

    for (i = 0; i < store->providers.nelts; i++) {
        for (n = 0; n < p[i]->nfiles; n++) {
            ngx_http_aws_sigv4_file_report(cycle, &p[i]->files[n]);
        }
    }

    if (!ngx_test_config) {
        ngx_http_aws_sigv4_zone_commit(store);
    }

    return ngx_http_aws_sigv4_environ_keep(cycle);
}


ngx_int_t
ngx_http_aws_sigv4_store_init_process(ngx_cycle_t *cycle,
    ngx_http_aws_sigv4_store_t *store)
{
    ngx_http_aws_sigv4_environ_forget(cycle);
    ngx_http_aws_sigv4_refresh_init(store);

    return NGX_OK;
}


void
ngx_http_aws_sigv4_store_exit_process(ngx_http_aws_sigv4_store_t *store)
{
    ngx_http_aws_sigv4_refresh_exit(store);
}


ngx_http_aws_sigv4_provider_t *
ngx_http_aws_sigv4_provider_use(ngx_conf_t *cf,
    ngx_http_aws_sigv4_store_t *store, ngx_str_t *name)
{
    ngx_http_aws_sigv4_provider_t  *p;

    static ngx_str_t  fallback = ngx_string("default");

    p = ngx_http_aws_sigv4_provider_find(store, name);

    if (p == NULL && name->len == fallback.len
        && ngx_strncmp(name->data, fallback.data, fallback.len) == 0)
    {
        p = ngx_http_aws_sigv4_provider_add(cf, store, &fallback,
                                          &ngx_http_aws_sigv4_chain_provider);
        if (p == NULL) {
            return NULL;
        }

        p->implied = 1;
    }

    if (p != NULL) {
        p->used = 1;
    }

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
                          "%V; requests will be refused", &p->name,
                          &p->error);
        }
    }

    return ngx_http_aws_sigv4_zone_create(cf, store);
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


u_char *
ngx_http_aws_sigv4_provider_types(u_char *p, u_char *last)
{
    ngx_uint_t                            i;
    ngx_http_aws_sigv4_provider_type_t  **type;

    type = ngx_http_aws_sigv4_types;

    for (i = 0; type[i] != NULL; i++) {
        p = ngx_slprintf(p, last, "%s%V",
                         i == 0 ? "" : type[i + 1] ? ", " : " or ",
                         &type[i]->name);
    }

    return p;
}


ngx_int_t
ngx_http_aws_sigv4_provider_load(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p)
{
    ngx_conf_t       at;
    ngx_conf_file_t  file;

    if (p->loaded) {
        return p->rc;
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

    if (p->type->init != NULL && p->type->init(&at, p) != NGX_OK) {
        return NGX_ERROR;
    }

    p->rc = p->type->load(p, cf->log);

    p->loading = 0;
    p->loaded = 1;

    if (p->rc == NGX_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, &at, 0,
                           "\"aws_sigv4_provider\": provider \"%V\" cannot "
                           "be used: %V", &p->name, &p->error);
    }

    return p->rc;
}


ngx_int_t
ngx_http_aws_sigv4_provider_error(ngx_http_aws_sigv4_provider_t *p,
    ngx_int_t rc, const char *fmt, ...)
{
    va_list  args;

    va_start(args, fmt);
    p->error.data = p->text;
    p->error.len = ngx_vslprintf(p->text,
                                 p->text + NGX_HTTP_AWS_SIGV4_ERROR_LEN,
                                 fmt, args)
                   - p->text;
    va_end(args);

    return rc;
}


void
ngx_http_aws_sigv4_provider_refresh(ngx_http_aws_sigv4_provider_t *p,
    ngx_log_t *log)
{
    ngx_uint_t  i, changed;

    if (ngx_current_msec - p->checked < NGX_HTTP_AWS_SIGV4_CHECK) {
        return;
    }

    p->checked = ngx_current_msec;

    changed = 0;

    for (i = 0; i < p->nfiles; i++) {
        changed |= ngx_http_aws_sigv4_file_changed(&p->files[i]);
    }

    if (!changed) {
        return;
    }

    p->rc = p->type->load(p, log);

    if (p->rc != NGX_OK) {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "aws sigv4: provider \"%V\" %s: %V", &p->name,
                      p->credentials ? "goes on with the credentials it has"
                                     : "has no credentials",
                      &p->error);
    }
}


ngx_int_t
ngx_http_aws_sigv4_provider_file(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p, ngx_str_t *path)
{
    u_char     *name;
    ngx_str_t   home, *dst;

    dst = &p->files[p->nfiles].name;

    /* where nobody is at home, "~" is a name like any other */

    if (path->len < 2 || ngx_strncmp(path->data, "~/", 2) != 0
        || ngx_http_aws_sigv4_home(cf, &home) != NGX_OK)
    {
        *dst = *path;
        p->nfiles++;

        return ngx_conf_full_name(cf->cycle, dst, 1);
    }

    name = ngx_pnalloc(cf->pool, home.len + path->len);
    if (name == NULL) {
        return NGX_ERROR;
    }

    dst->data = name;

    name = ngx_cpymem(name, home.data, home.len);
    name = ngx_cpymem(name, path->data + 1, path->len - 1);
    *name = '\0';

    dst->len = name - dst->data;
    p->nfiles++;

    return NGX_OK;
}


static ngx_int_t
ngx_http_aws_sigv4_home(ngx_conf_t *cf, ngx_str_t *home)
{
    struct passwd  *pw;

    *home = ngx_http_aws_sigv4_environ_get(cf, "HOME");

    if (home->len) {
        return NGX_OK;
    }

    pw = getpwuid(geteuid());

    if (pw == NULL) {

        /* as in a container that runs as a user of any number */

        return NGX_DECLINED;
    }

    home->data = (u_char *) pw->pw_dir;
    home->len = ngx_strlen(pw->pw_dir);

    return NGX_OK;
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

        if (p[i]->remote != NULL) {
            ngx_http_aws_sigv4_refresh_stop(p[i]);
        }

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
