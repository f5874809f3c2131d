
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include "ngx_http_aws_sigv4_status.h"


/* with less time left, others should have come long ago */
#define NGX_HTTP_AWS_SIGV4_READY_LEFT     60


static ngx_int_t ngx_http_aws_sigv4_ready_handler(ngx_http_request_t *r);
static ngx_uint_t ngx_http_aws_sigv4_ready_provider(
    ngx_http_aws_sigv4_provider_state_t *state,
    ngx_http_aws_sigv4_out_t *out);


char *
ngx_http_aws_sigv4_ready(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    clcf->handler = ngx_http_aws_sigv4_ready_handler;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_aws_sigv4_ready_handler(ngx_http_request_t *r)
{
    ngx_int_t                             rc;
    ngx_uint_t                            i, n, ready;
    ngx_http_aws_sigv4_out_t              out;
    ngx_http_aws_sigv4_main_conf_t       *smcf;
    ngx_http_aws_sigv4_provider_state_t  *states;

    static ngx_str_t  type = ngx_string("text/plain");

    rc = ngx_http_aws_sigv4_out_method(r);
    if (rc != NGX_OK) {
        return rc;
    }

    smcf = ngx_http_get_module_main_conf(r, ngx_http_aws_sigv4_module);

    ngx_http_aws_sigv4_out_init(&out, r->pool);

    states = ngx_http_aws_sigv4_provider_states(smcf, &out, &n);

    ready = 1;

    for (i = 0; i < n; i++) {

        if (!ngx_http_aws_sigv4_ready_provider(&states[i], &out)) {
            ready = 0;
        }
    }

    if (ready) {
        ngx_http_aws_sigv4_out(&out, "ready\n");
    }

    return ngx_http_aws_sigv4_out_send(r, &out,
                                       ready ? NGX_HTTP_OK
                                             : NGX_HTTP_SERVICE_UNAVAILABLE,
                                       &type, NULL);
}


ngx_uint_t
ngx_http_aws_sigv4_provider_ready(ngx_http_aws_sigv4_provider_state_t *state)
{
    if (!state->used) {
        return 1;
    }

    return state->available
           && (state->expires == 0
               || state->expires - ngx_time()
                  >= NGX_HTTP_AWS_SIGV4_READY_LEFT);
}


static ngx_uint_t
ngx_http_aws_sigv4_ready_provider(ngx_http_aws_sigv4_provider_state_t *state,
    ngx_http_aws_sigv4_out_t *out)
{
    if (ngx_http_aws_sigv4_provider_ready(state)) {
        return 1;
    }

    ngx_http_aws_sigv4_out(out, "provider \"");
    ngx_http_aws_sigv4_out_escaped(out, SIGV4_ESCAPE_LINE, &state->name);

    if (state->available) {
        ngx_http_aws_sigv4_out(out, "\" has credentials that expire in %T s",
                               state->expires - ngx_time());

    } else {
        ngx_http_aws_sigv4_out(out, "\" has no credentials");
    }

    if (state->error.len) {
        ngx_http_aws_sigv4_out(out, ": ");
        ngx_http_aws_sigv4_out_escaped(out, SIGV4_ESCAPE_LINE, &state->error);
    }

    ngx_http_aws_sigv4_out(out, "\n");

    return 0;
}
