
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * What LuaJIT's FFI, or any other C code in the process, may ask.
 */


#include "ngx_http_aws_sigv4_module.h"


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


/* the n-th provider, from 0; NGX_OK, or NGX_DONE: there is none */

int
ngx_http_aws_sigv4_ffi_provider(unsigned int n,
    ngx_http_aws_sigv4_ffi_provider_t *out)
{
    ngx_cycle_t                          *cycle;
    ngx_http_aws_sigv4_provider_t       **p;
    ngx_http_aws_sigv4_main_conf_t       *smcf;
    ngx_http_aws_sigv4_provider_state_t   state;

    cycle = (ngx_cycle_t *) ngx_cycle;

    smcf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_aws_sigv4_module);

    if (smcf == NULL || n >= smcf->store.providers.nelts) {
        return NGX_DONE;
    }

    p = smcf->store.providers.elts;

    ngx_http_aws_sigv4_provider_state(p[n], &state);

    out->name.len = state.name.len;
    out->name.data = state.name.data;
    out->source.len = state.source.len;
    out->source.data = state.source.data;
    out->error.len = state.error.len;
    out->error.data = state.error.data;
    out->expires = state.expires;
    out->fetches = state.fetches;
    out->failures = state.failures;
    out->available = state.available;

    return NGX_OK;
}
