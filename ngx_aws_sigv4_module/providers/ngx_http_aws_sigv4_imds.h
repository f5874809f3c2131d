
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

#ifndef _NGX_HTTP_AWS_SIGV4_IMDS_H_INCLUDED_
#define _NGX_HTTP_AWS_SIGV4_IMDS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_http_aws_sigv4_remote.h"


/* p->data of a provider of type imds */
typedef struct {
    ngx_http_aws_sigv4_origin_t      origin;
    ngx_str_t                        base;      /* path, without "/" */
    ngx_msec_t                       timeout;
    ngx_uint_t                       attempts;
    ngx_uint_t                       region;    /* is asked for */

    ngx_str_t                        token;     /* of this worker */
    ngx_msec_t                       until;     /* it may be used */
} ngx_http_aws_sigv4_imds_t;


/* ngx_http_aws_sigv4_imds_fetch.c: type->fetch */
void ngx_http_aws_sigv4_imds_fetch(ngx_http_aws_sigv4_job_t *job);


#endif /* _NGX_HTTP_AWS_SIGV4_IMDS_H_INCLUDED_ */
