
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * What the files of a fetch share: _fetch.c has its life, _exchange.c the
 * connection, _tls.c the handshake.  After a call of done(), and of next(),
 * which may call it, the fetch may be gone.
 */


#ifndef _NGX_HTTP_AWS_SIGV4_FETCH_PARTS_H_INCLUDED_
#define _NGX_HTTP_AWS_SIGV4_FETCH_PARTS_H_INCLUDED_


#include "ngx_http_aws_sigv4_fetch.h"


/* ends the fetch; f->status of 0 says that it has failed, f->error why */
void ngx_http_aws_sigv4_fetch_done(ngx_http_aws_sigv4_fetch_t *f);

/* remembers what has failed, with the words for an errno if it is not 0 */
void ngx_http_aws_sigv4_fetch_error(ngx_http_aws_sigv4_fetch_t *f,
    ngx_err_t err, const char *fmt, ...);

/* the request, as it is to be sent; NGX_ERROR: f->error is set */
ngx_int_t ngx_http_aws_sigv4_fetch_request(ngx_http_aws_sigv4_fetch_t *f);

/* begins with f->addrs[f->naddr] */
void ngx_http_aws_sigv4_fetch_connect(ngx_http_aws_sigv4_fetch_t *f);

/* tries the next address, or ends with the error that has been set */
void ngx_http_aws_sigv4_fetch_next(ngx_http_aws_sigv4_fetch_t *f);

/* sends the request over the connection, which is established */
void ngx_http_aws_sigv4_fetch_send(ngx_http_aws_sigv4_fetch_t *f);

void ngx_http_aws_sigv4_fetch_close(ngx_http_aws_sigv4_fetch_t *f);

/* goes on with send() when the peer has shown who it is, else with next() */
void ngx_http_aws_sigv4_fetch_handshake(ngx_http_aws_sigv4_fetch_t *f);


#endif /* _NGX_HTTP_AWS_SIGV4_FETCH_PARTS_H_INCLUDED_ */
