
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Waiting until a remote provider has credentials.
 */


#ifndef _NGX_HTTP_AWS_SIGV4_WAIT_H_INCLUDED_
#define _NGX_HTTP_AWS_SIGV4_WAIT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_aws_sigv4_credentials.h"


/*
 * NGX_AGAIN: the handler of the waiter will be called, unless it is
 * cancelled; NGX_DECLINED: there is nothing to wait for, in so many
 * milliseconds, or too many wait already.
 */
ngx_int_t ngx_http_aws_sigv4_wait(ngx_http_aws_sigv4_waiter_t *waiter,
    ngx_http_aws_sigv4_provider_t *provider, ngx_msec_t timeout);
void ngx_http_aws_sigv4_wait_cancel(ngx_http_aws_sigv4_waiter_t *waiter);

/* those who wait are looked at as soon as the event loop goes on */
void ngx_http_aws_sigv4_wake(void);


#endif /* _NGX_HTTP_AWS_SIGV4_WAIT_H_INCLUDED_ */
