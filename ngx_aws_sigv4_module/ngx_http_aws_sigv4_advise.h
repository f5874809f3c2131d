
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * What those who warn share.
 */


#ifndef _NGX_HTTP_AWS_SIGV4_ADVISE_H_INCLUDED_
#define _NGX_HTTP_AWS_SIGV4_ADVISE_H_INCLUDED_


#include "ngx_http_aws_sigv4_module.h"


/* ngx_http_aws_sigv4_advise.c */

/*
 * Warns, and adds where the proxy_pass stands; the same is told once, however
 * many blocks have inherited or included the line.
 */
void ngx_http_aws_sigv4_warn(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *conf, const char *fmt, ...);


/* 1 if the text is in the tree; if not, it is from now on */
ngx_uint_t ngx_http_aws_sigv4_told(ngx_conf_t *cf, ngx_rbtree_t *tree,
    ngx_str_t *text);


/* ngx_http_aws_sigv4_advise_headers.c */

void ngx_http_aws_sigv4_advise_headers(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *conf);


/* ngx_http_aws_sigv4_advise_scope.c */

void ngx_http_aws_sigv4_advise_scope(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *conf);


/* ngx_http_aws_sigv4_advise_resolver.c */

void ngx_http_aws_sigv4_advise_resolver(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *conf);


/* ngx_http_aws_sigv4_advise_access.c */

void ngx_http_aws_sigv4_advise_access(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *conf);


/* ngx_http_aws_sigv4_advise_series.c */

/* counts the series that a location needs, unless another one does */
void ngx_http_aws_sigv4_advise_series(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *conf);


#endif /* _NGX_HTTP_AWS_SIGV4_ADVISE_H_INCLUDED_ */
