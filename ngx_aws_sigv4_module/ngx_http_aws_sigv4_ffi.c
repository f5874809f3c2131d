
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * What LuaJIT's FFI, or any other C code in the process, may ask.
 */


#include "ngx_http_aws_sigv4_module.h"
#include "providers/ngx_http_aws_sigv4_provider.h"
#include "ngx_http_aws_sigv4_refresh.h"


/* the strings are valid until the caller returns to the event loop */
typedef struct {
    size_t               len;
    const u_char        *data;
} ngx_http_aws_sigv4_ffi_str_t;


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


int ngx_http_aws_sigv4_ffi_provider(unsigned int n,
    ngx_http_aws_sigv4_ffi_provider_t *out);
static void ngx_http_aws_sigv4_ffi_slot(ngx_http_aws_sigv4_provider_t *leaf,
    ngx_http_aws_sigv4_ffi_provider_t *out);


/* the n-th provider, from 0; NGX_OK, or NGX_DONE: there is none */

int
ngx_http_aws_sigv4_ffi_provider(unsigned int n,
    ngx_http_aws_sigv4_ffi_provider_t *out)
{
    ngx_cycle_t                      *cycle;
    ngx_http_aws_sigv4_provider_t    *leaf, **p;
    ngx_http_aws_sigv4_main_conf_t   *smcf;

    cycle = (ngx_cycle_t *) ngx_cycle;

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
