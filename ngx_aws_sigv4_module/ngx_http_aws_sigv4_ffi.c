
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
    ngx_cycle_t                          *cycle;
    ngx_http_aws_sigv4_provider_t       **p;
    ngx_http_aws_sigv4_main_conf_t       *smcf;
    ngx_http_aws_sigv4_provider_state_t   state;

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
