
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Several providers, of which the first that is there is used.  The choice
 * is made once: keys that turn up later at another place do not replace
 * those in use.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_aws_sigv4_provider.h"


/* the order of the SDKs; types that are not built in are left out */
#define NGX_HTTP_AWS_SIGV4_CHAIN                                              \
    "env,web_identity,profile,container,imds"


static ngx_int_t ngx_http_aws_sigv4_chain_init(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p);
static ngx_int_t ngx_http_aws_sigv4_chain_add(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p, ngx_array_t *members, ngx_str_t *name);
static void ngx_http_aws_sigv4_chain_region(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p, ngx_http_aws_sigv4_provider_t **member,
    ngx_uint_t n);
static ngx_int_t ngx_http_aws_sigv4_chain_load(
    ngx_http_aws_sigv4_provider_t *p, ngx_log_t *log);
static void ngx_http_aws_sigv4_chain_refresh(
    ngx_http_aws_sigv4_provider_t *p, ngx_log_t *log);
static ngx_http_aws_sigv4_provider_t *ngx_http_aws_sigv4_chain_leaf(
    ngx_http_aws_sigv4_provider_t *p);


static ngx_http_aws_sigv4_param_t  ngx_http_aws_sigv4_chain_params[] = {
    { ngx_string("providers"), 0 },
    { ngx_null_string, 0 }
};


ngx_http_aws_sigv4_provider_type_t  ngx_http_aws_sigv4_chain_provider = {
    ngx_string("chain"),
    ngx_http_aws_sigv4_chain_params,
    ngx_http_aws_sigv4_chain_init,
    ngx_http_aws_sigv4_chain_load,
    ngx_http_aws_sigv4_chain_refresh,
    NULL,
    NULL
};


static ngx_int_t
ngx_http_aws_sigv4_chain_init(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p)
{
    u_char                          *last, *end;
    ngx_int_t                        rc;
    ngx_str_t                        list, name;
    ngx_uint_t                       i;
    ngx_array_t                     *members;
    ngx_http_aws_sigv4_provider_t  **member;

    members = ngx_array_create(cf->pool, 4,
                               sizeof(ngx_http_aws_sigv4_provider_t *));
    if (members == NULL) {
        return NGX_ERROR;
    }

    p->data = members;

    ngx_str_set(&list, NGX_HTTP_AWS_SIGV4_CHAIN);

    if (p->params[0].len) {
        list = p->params[0];
    }

    end = list.data + list.len;

    for (name.data = list.data; name.data <= end; name.data = last + 1) {

        last = ngx_strlchr(name.data, end, ',');
        last = last ? last : end;

        name.len = last - name.data;

        if (ngx_http_aws_sigv4_chain_add(cf, p, members, &name) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    /* those behind the one that is used need not be in order */

    member = members->elts;

    for (i = 0; i < members->nelts; i++) {

        rc = ngx_http_aws_sigv4_provider_load(cf, member[i]);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (rc == NGX_OK) {
            p->source = ngx_http_aws_sigv4_chain_leaf(member[i]);

            ngx_http_aws_sigv4_chain_region(cf, p, member,
                                            members->nelts);
            break;
        }
    }

    return NGX_OK;
}


/* where the provider has none: that of a profile which comes after it */

static void
ngx_http_aws_sigv4_chain_region(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p, ngx_http_aws_sigv4_provider_t **member,
    ngx_uint_t n)
{
    ngx_uint_t  i;

    if (ngx_http_aws_sigv4_provider_region(p)->len) {
        return;
    }

    for (i = 0; i < n; i++) {

        if (member[i]->implied
            && member[i]->type == &ngx_http_aws_sigv4_profile_provider)
        {
            if (!member[i]->loaded) {
                ngx_http_aws_sigv4_profile_lend_region(cf, member[i]);
            }

            p->region = member[i]->region;
            return;
        }
    }
}


static ngx_int_t
ngx_http_aws_sigv4_chain_add(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p, ngx_array_t *members, ngx_str_t *name)
{
    ngx_int_t                        rc;
    ngx_http_aws_sigv4_provider_t   *m, **member;

    rc = ngx_http_aws_sigv4_provider_member(cf, p->store, name, &m);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (rc == NGX_DECLINED) {

        if (p->params[0].len == 0) {
            return NGX_OK;
        }

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"aws_sigv4_provider\": \"%V\" in "
                           "\"providers=\" is neither a provider that "
                           "is defined nor a type", name);
        return NGX_ERROR;
    }

    member = ngx_array_push(members);
    if (member == NULL) {
        return NGX_ERROR;
    }

    *member = m;

    return NGX_OK;
}


ngx_int_t
ngx_http_aws_sigv4_provider_member(ngx_conf_t *cf,
    ngx_http_aws_sigv4_store_t *store, ngx_str_t *name,
    ngx_http_aws_sigv4_provider_t **p)
{
    ngx_http_aws_sigv4_provider_type_t  *type;

    *p = ngx_http_aws_sigv4_provider_find(store, name);

    if (*p == NULL
        && name->len == sizeof("default") - 1
        && ngx_strncmp(name->data, "default", name->len) == 0)
    {
        /* it is there without being defined */

        *p = ngx_http_aws_sigv4_provider_use(cf, store, name);

        if (*p == NULL) {
            return NGX_ERROR;
        }
    }

    if (*p != NULL) {
        return NGX_OK;
    }

    /* a type by its name, with no parameters */

    type = ngx_http_aws_sigv4_provider_type(name);

    if (type == NULL || type == &ngx_http_aws_sigv4_chain_provider) {
        return NGX_DECLINED;
    }

    *p = ngx_http_aws_sigv4_provider_add(cf, store, name, type);
    if (*p == NULL) {
        return NGX_ERROR;
    }

    (*p)->implied = 1;

    return NGX_OK;
}


static ngx_int_t
ngx_http_aws_sigv4_chain_load(ngx_http_aws_sigv4_provider_t *p,
    ngx_log_t *log)
{
    u_char                          *last, *end;
    ngx_uint_t                       i;
    ngx_array_t                     *members;
    ngx_http_aws_sigv4_provider_t  **member;

    if (p->source != NULL) {
        return NGX_OK;
    }

    members = p->data;
    member = members->elts;

    last = p->text;
    end = last + NGX_HTTP_AWS_SIGV4_ERROR_LEN;

    for (i = 0; i < members->nelts; i++) {
        last = ngx_slprintf(last, end, "%s%V: %V", i ? "; " : "",
                            &member[i]->name, &member[i]->error);
    }

    p->error.data = p->text;
    p->error.len = last - p->text;

    return NGX_DECLINED;
}


static void
ngx_http_aws_sigv4_chain_refresh(ngx_http_aws_sigv4_provider_t *p,
    ngx_log_t *log)
{
    ngx_uint_t                       i;
    ngx_array_t                     *members;
    ngx_http_aws_sigv4_provider_t   *leaf, **member;

    if (p->source != NULL) {

        if (p->source->type->refresh != NULL) {
            p->source->type->refresh(p->source, log);
        }

        return;
    }

    members = p->data;
    member = members->elts;

    for (i = 0; i < members->nelts; i++) {

        if (member[i]->type->refresh == NULL) {
            continue;
        }

        member[i]->type->refresh(member[i], log);

        leaf = ngx_http_aws_sigv4_chain_leaf(member[i]);

        if (leaf->credentials != NULL) {
            p->source = leaf;
            return;
        }

        if (leaf->rc == NGX_ERROR) {
            break;
        }
    }

    (void) ngx_http_aws_sigv4_chain_load(p, log);
}


static ngx_http_aws_sigv4_provider_t *
ngx_http_aws_sigv4_chain_leaf(ngx_http_aws_sigv4_provider_t *p)
{
    return p->source ? p->source : p;
}
