
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * What those who record the proxy commands share.
 */


#ifndef _NGX_HTTP_AWS_SIGV4_PROXY_H_INCLUDED_
#define _NGX_HTTP_AWS_SIGV4_PROXY_H_INCLUDED_


#include "ngx_http_aws_sigv4_module.h"


/* ngx_http_aws_sigv4_proxy.c: a value with variables; NULL if it is wrong */
ngx_http_complex_value_t *ngx_http_aws_sigv4_compile(ngx_conf_t *cf,
    ngx_str_t *source);

/* ngx_http_aws_sigv4_proxy_pass.c: what proxy_pass says */
char *ngx_http_aws_sigv4_record_pass(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *slcf, ngx_str_t *value);


#endif /* _NGX_HTTP_AWS_SIGV4_PROXY_H_INCLUDED_ */
