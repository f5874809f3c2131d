
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * What a profile says beside keys and roles: the region, and settings of
 * the providers that ask a service.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_aws_sigv4_profile.h"


static ngx_int_t ngx_http_aws_sigv4_profile_environ(ngx_conf_t *cf,
    ngx_http_aws_sigv4_store_t *store,
    ngx_http_aws_sigv4_provider_t **profile);
static ngx_int_t ngx_http_aws_sigv4_profile_setting(ngx_conf_t *cf,
    const char *env, sigv4_str_t *value, ngx_str_t *dst);


/*
 * The region alone, for a chain whose keys are from elsewhere: with keys in
 * the environment the SDKs still take the region of the config file.
 */

void
ngx_http_aws_sigv4_profile_lend_region(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p)
{
    ngx_http_aws_sigv4_section_t  section[NGX_HTTP_AWS_SIGV4_FILES];

    if (ngx_http_aws_sigv4_profile_names(cf, p) != NGX_OK) {
        return;
    }

    (void) ngx_http_aws_sigv4_profile_read(p, cf->log, section);
    (void) ngx_http_aws_sigv4_profile_region(p, section);

    ngx_http_aws_sigv4_profile_forget(p, section);
}


ngx_int_t
ngx_http_aws_sigv4_profile_settings(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p, ngx_uint_t key, ngx_uint_t n,
    const char **env, ngx_str_t *values)
{
    ngx_int_t                       rc;
    ngx_uint_t                      i;
    ngx_http_aws_sigv4_section_t    section[NGX_HTTP_AWS_SIGV4_FILES];
    ngx_http_aws_sigv4_provider_t  *profile;

    profile = p->profile;

    if (profile == NULL
        && ngx_http_aws_sigv4_profile_environ(cf, p->store, &profile)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_memzero(section, sizeof(section));

    if (profile != NULL) {
        (void) ngx_http_aws_sigv4_profile_read(profile, cf->log, section);
    }

    rc = NGX_OK;

    for (i = 0; i < n && rc == NGX_OK; i++) {
        rc = ngx_http_aws_sigv4_profile_setting(cf, env[i],
                           ngx_http_aws_sigv4_profile_value(section, key + i),
                           &values[i]);
    }

    if (profile != NULL) {
        ngx_http_aws_sigv4_profile_forget(profile, section);
    }

    return rc;
}


/* without a home there is no profile, and it is no error to have none */

static ngx_int_t
ngx_http_aws_sigv4_profile_environ(ngx_conf_t *cf,
    ngx_http_aws_sigv4_store_t *store,
    ngx_http_aws_sigv4_provider_t **profile)
{
    ngx_http_aws_sigv4_provider_t  *p;

    if (ngx_http_aws_sigv4_environ_get(cf, "HOME").len == 0
        && getpwuid(geteuid()) == NULL)
    {
        return NGX_OK;
    }

    p = ngx_pcalloc(cf->pool, sizeof(ngx_http_aws_sigv4_provider_t));
    if (p == NULL) {
        return NGX_ERROR;
    }

    p->params = ngx_pcalloc(cf->pool, NGX_HTTP_AWS_SIGV4_PROFILE_PARAMS
                                      * sizeof(ngx_str_t));
    if (p->params == NULL) {
        return NGX_ERROR;
    }

    ngx_str_set(&p->name, "profile");
    p->type = &ngx_http_aws_sigv4_profile_provider;
    p->store = store;

    *profile = p;

    return ngx_http_aws_sigv4_profile_names(cf, p);
}


static ngx_int_t
ngx_http_aws_sigv4_profile_setting(ngx_conf_t *cf, const char *env,
    sigv4_str_t *value, ngx_str_t *dst)
{
    ngx_str_t  src;

    src.len = value->len;
    src.data = (u_char *) value->data;

    if (env != NULL && ngx_http_aws_sigv4_environ_get(cf, env).len) {
        src = ngx_http_aws_sigv4_environ_get(cf, env);
    }

    ngx_str_null(dst);

    if (src.data == NULL) {
        return NGX_OK;
    }

    /* both are gone in workers */

    dst->data = ngx_pnalloc(cf->pool, src.len + 1);
    if (dst->data == NULL) {
        return NGX_ERROR;
    }

    dst->len = src.len;
    *ngx_cpymem(dst->data, src.data, src.len) = '\0';

    return NGX_OK;
}
