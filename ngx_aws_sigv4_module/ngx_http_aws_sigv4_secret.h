
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Memory for secrets: pages of their own that are left out of core files
 * and wiped before they are given back.
 */


#ifndef _NGX_HTTP_AWS_SIGV4_SECRET_H_INCLUDED_
#define _NGX_HTTP_AWS_SIGV4_SECRET_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* zeroed; NULL: no memory, and the log says so */
void *ngx_http_aws_sigv4_secret_alloc(size_t size, ngx_log_t *log);

/* wipes it all; p may be NULL */
void ngx_http_aws_sigv4_secret_free(void *p);


#endif /* _NGX_HTTP_AWS_SIGV4_SECRET_H_INCLUDED_ */
