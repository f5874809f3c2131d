
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * What the handlers of aws_sigv4_metrics and aws_sigv4_ready answer.
 *
 * A format is a row in the table of ngx_http_aws_sigv4_status.c, and its
 * function adds to the output; it cannot fail but by a lack of memory or a
 * line that is too long, which the output remembers.
 */


#ifndef _NGX_HTTP_AWS_SIGV4_STATUS_H_INCLUDED_
#define _NGX_HTTP_AWS_SIGV4_STATUS_H_INCLUDED_


#include "ngx_http_aws_sigv4_metrics.h"
#include "core/sigv4_escape.h"


typedef struct {
    ngx_pool_t                     *pool;
    ngx_chain_t                    *bufs;
    ngx_chain_t                   **next;
    ngx_buf_t                      *buf;
    off_t                           size;
    unsigned                        failed:1;
} ngx_http_aws_sigv4_out_t;


typedef void (*ngx_http_aws_sigv4_status_pt)(
    ngx_http_aws_sigv4_main_conf_t *smcf, ngx_http_aws_sigv4_out_t *out);


/* ngx_http_aws_sigv4_out.c */

void ngx_http_aws_sigv4_out_init(ngx_http_aws_sigv4_out_t *out,
    ngx_pool_t *pool);

/* less than 1024 bytes, or it has failed; by the formats of ngx_sprintf() */
void ngx_http_aws_sigv4_out(ngx_http_aws_sigv4_out_t *out, const char *fmt,
    ...);

/* what comes from outside; no more than its first 2048 bytes */
void ngx_http_aws_sigv4_out_escaped(ngx_http_aws_sigv4_out_t *out,
    sigv4_escape_e form, ngx_str_t *s);

/* GET and HEAD are NGX_OK; else what the handler returns */
ngx_int_t ngx_http_aws_sigv4_out_method(ngx_http_request_t *r);

/*
 * Sends the header alone, for HEAD: RFC 9110, 9.3.2, lets it leave out what
 * is known only when the body is there, here its length.  The policy is a
 * Content-Security-Policy, NULL: none.
 */
ngx_int_t ngx_http_aws_sigv4_out_head(ngx_http_request_t *r,
    ngx_uint_t status, ngx_str_t *type, char *policy);

/* sends it all */
ngx_int_t ngx_http_aws_sigv4_out_send(ngx_http_request_t *r,
    ngx_http_aws_sigv4_out_t *out, ngx_uint_t status, ngx_str_t *type,
    char *policy);


/*
 * ngx_http_aws_sigv4_provider_state.c: of all n that have a name; without
 * memory none, and the output has failed
 */
ngx_http_aws_sigv4_provider_state_t *ngx_http_aws_sigv4_provider_states(
    ngx_http_aws_sigv4_main_conf_t *smcf, ngx_http_aws_sigv4_out_t *out,
    ngx_uint_t *n);


/* ngx_http_aws_sigv4_status.c, ngx_http_aws_sigv4_ready.c: the setters */

char *ngx_http_aws_sigv4_status(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_aws_sigv4_ready(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


/* the formats */

void ngx_http_aws_sigv4_metrics_text(ngx_http_aws_sigv4_main_conf_t *smcf,
    ngx_http_aws_sigv4_out_t *out);
void ngx_http_aws_sigv4_metrics_html(ngx_http_aws_sigv4_main_conf_t *smcf,
    ngx_http_aws_sigv4_out_t *out);
void ngx_http_aws_sigv4_metrics_json(ngx_http_aws_sigv4_main_conf_t *smcf,
    ngx_http_aws_sigv4_out_t *out);


#endif /* _NGX_HTTP_AWS_SIGV4_STATUS_H_INCLUDED_ */
