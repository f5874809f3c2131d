
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The body of a request as it was received, whatever has been put in its
 * place.
 */


#ifndef _NGX_HTTP_AWS_SIGV4_RECEIVED_H_INCLUDED_
#define _NGX_HTTP_AWS_SIGV4_RECEIVED_H_INCLUDED_


#include "ngx_http_aws_sigv4_module.h"


/* beside NGX_OK and NGX_ERROR: memory, or the file */
#define NGX_HTTP_AWS_SIGV4_BODY_NOT_READ  -20
#define NGX_HTTP_AWS_SIGV4_BODY_RANGE     -21


/* it outlives internal redirects, which clear the contexts of modules */
typedef struct {
    ngx_http_request_t               *request;

    ngx_chain_t                      *bufs;
    off_t                             length;
    off_t                             content_length_n;
    ngx_str_t                         content_length;

    ngx_chain_t                      *current;      /* what was left there */
    ngx_buf_t                        *first;
    off_t                             size;
} ngx_http_aws_sigv4_received_t;


/*
 * Noted when it is first asked for, and again where another one has put a
 * body there since, as ngx.req.set_body_data() does.  Beside NGX_OK and
 * NGX_ERROR: NGX_HTTP_AWS_SIGV4_BODY_NOT_READ.
 */
ngx_int_t ngx_http_aws_sigv4_received(ngx_http_request_t *r,
    ngx_http_aws_sigv4_received_t **received);

/* what is sent from now on; received->bufs: it is as it was */
ngx_int_t ngx_http_aws_sigv4_received_replace(ngx_http_request_t *r,
    ngx_http_aws_sigv4_received_t *received, ngx_chain_t *bufs,
    off_t length);


#endif /* _NGX_HTTP_AWS_SIGV4_RECEIVED_H_INCLUDED_ */
