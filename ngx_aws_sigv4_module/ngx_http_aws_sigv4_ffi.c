
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * What LuaJIT's FFI, or any other C code in the process, may ask.
 */


#include "ngx_http_aws_sigv4_module.h"
#include "ngx_http_aws_sigv4_ffi.h"
#include "providers/ngx_http_aws_sigv4_provider.h"
#include "ngx_http_aws_sigv4_refresh.h"


/* no secret is in it */
typedef struct {
    ngx_http_aws_sigv4_ffi_str_t      name;
    ngx_http_aws_sigv4_ffi_str_t      source;     /* a type */
    ngx_http_aws_sigv4_ffi_str_t      error;      /* empty: there is none */
    int64_t                           expires;    /* 0: never */
    uint64_t                          fetches;    /* by all workers */
    uint64_t                          failures;
    int                               available;
} ngx_http_aws_sigv4_ffi_provider_t;


const char *ngx_http_aws_sigv4_ffi_version(void);
int ngx_http_aws_sigv4_ffi_provider(unsigned int n,
    ngx_http_aws_sigv4_ffi_provider_t *out);
static void ngx_http_aws_sigv4_ffi_slot(ngx_http_aws_sigv4_provider_t *leaf,
    ngx_http_aws_sigv4_ffi_provider_t *out);


const char *
ngx_http_aws_sigv4_ffi_version(void)
{
    return NGX_HTTP_AWS_SIGV4_VERSION;
}


int
ngx_http_aws_sigv4_ffi_error(ngx_http_aws_sigv4_ffi_str_t *err,
    const char *fmt, ...)
{
    u_char   *p;
    va_list   args;

    static u_char  text[NGX_MAX_ERROR_STR];

    va_start(args, fmt);
    p = ngx_vslprintf(text, text + sizeof(text), fmt, args);
    va_end(args);

    err->len = p - text;
    err->data = text;

    return NGX_ERROR;
}


/* the n-th provider, from 0; NGX_OK, or NGX_DONE: there is none */

int
ngx_http_aws_sigv4_ffi_provider(unsigned int n,
    ngx_http_aws_sigv4_ffi_provider_t *out)
{
    ngx_cycle_t                      *cycle;
    ngx_http_aws_sigv4_provider_t    *leaf, **p;
    ngx_http_aws_sigv4_main_conf_t   *smcf;

    cycle = (ngx_cycle_t *) ngx_cycle;

    /* while the first configuration is read there is none */

    if (cycle->conf_ctx == NULL) {
        return NGX_DONE;
    }

    smcf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_aws_sigv4_module);

    if (smcf == NULL || n >= smcf->store.providers.nelts) {
        return NGX_DONE;
    }

    p = smcf->store.providers.elts;

    leaf = p[n]->source ? p[n]->source : p[n];

    /* to look at a provider that nobody uses does not make it fetch */

    if (leaf->type->refresh != NULL
        && (leaf->remote == NULL || leaf->remote->active))
    {
        leaf->type->refresh(leaf, cycle->log);
    }

    ngx_memzero(out, sizeof(ngx_http_aws_sigv4_ffi_provider_t));

    out->name.len = p[n]->name.len;
    out->name.data = p[n]->name.data;
    out->source.len = leaf->type->name.len;
    out->source.data = leaf->type->name.data;

    out->available = ngx_http_aws_sigv4_credentials_usable(leaf->credentials);

    if (leaf->credentials != NULL) {
        out->expires = leaf->credentials->expires;
    }

    if (leaf->remote != NULL) {
        ngx_http_aws_sigv4_ffi_slot(leaf, out);

    } else if (leaf->rc != NGX_OK) {
        out->error.len = leaf->error.len;
        out->error.data = leaf->error.data;
    }

    return NGX_OK;
}


static void
ngx_http_aws_sigv4_ffi_slot(ngx_http_aws_sigv4_provider_t *leaf,
    ngx_http_aws_sigv4_ffi_provider_t *out)
{
    ngx_http_aws_sigv4_slot_t    *slot;
    ngx_http_aws_sigv4_remote_t  *remote;

    remote = leaf->remote;

    if (remote->slot == NULL) {
        return;
    }

    ngx_shmtx_lock(remote->zone->mutex);

    slot = ngx_http_aws_sigv4_refresh_slot(remote);

    if (slot != NULL) {
        out->fetches = slot->fetches;
        out->failures = slot->failures;

        if (slot->error_len) {
            (void) ngx_http_aws_sigv4_provider_error(leaf, NGX_ERROR, "%*s",
                                                     slot->error_len,
                                                     slot->error);

            out->error.len = leaf->error.len;
            out->error.data = leaf->error.data;
        }
    }

    ngx_shmtx_unlock(remote->zone->mutex);
}
