
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * What the types that ask STS have in common: where STS is, the role, and
 * the exchange.  They are web_identity and assume_role.
 */


#ifndef _NGX_HTTP_AWS_SIGV4_STS_H_INCLUDED_
#define _NGX_HTTP_AWS_SIGV4_STS_H_INCLUDED_


#include "ngx_http_aws_sigv4_remote.h"
#include "sigv4_role.h"


/* parameters that both types have, first and in this order */
enum {
    NGX_HTTP_AWS_SIGV4_STS_ROLE_ARN = 0,
    NGX_HTTP_AWS_SIGV4_STS_SESSION_NAME,
    NGX_HTTP_AWS_SIGV4_STS_DURATION,
    NGX_HTTP_AWS_SIGV4_STS_REGION,
    NGX_HTTP_AWS_SIGV4_STS_ENDPOINT,
    NGX_HTTP_AWS_SIGV4_STS_CA_FILE,
    NGX_HTTP_AWS_SIGV4_STS_PARAMS
};

#define ngx_http_aws_sigv4_sts_params                                         \
    { ngx_string("role_arn"), 0 },                                            \
    { ngx_string("session_name"), 0 },                                        \
    { ngx_string("duration"), 0 },                                            \
    { ngx_string("region"), 0 },                                              \
    { ngx_string("endpoint"), 0 },                                            \
    { ngx_string("ca_file"), 0 }


/* the begin of the data of both types */
typedef struct {
    sigv4_role_t                         role;
    sigv4_str_t                          region;  /* to sign for */
    ngx_http_aws_sigv4_origin_t          origin;
    u_char                   session_name[SIGV4_ROLE_SESSION_NAME];
} ngx_http_aws_sigv4_sts_t;


/*
 * For init, behind remote_create(): looks at the parameters above and at
 * the environment.  The role and the name of its session are those of the
 * parameters, or what the caller found in the environment.
 */
ngx_int_t ngx_http_aws_sigv4_sts_init(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p, ngx_http_aws_sigv4_sts_t *sts,
    ngx_str_t *role_arn, ngx_str_t *session_name);

/*
 * Looks at a parameter by a function of sigv4_role.h, if it is there, and
 * takes it.  NGX_ERROR has been logged.
 */
ngx_int_t ngx_http_aws_sigv4_sts_param(ngx_conf_t *cf, ngx_str_t *value,
    const char *name, const char *(*check)(sigv4_str_t value),
    sigv4_str_t *dst);

/*
 * Where STS is, from the parameters and the environment; sets sts->origin
 * and sts->region.
 */
ngx_int_t ngx_http_aws_sigv4_sts_endpoint(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p, ngx_http_aws_sigv4_sts_t *sts);

/*
 * Sends the request: with a token, AssumeRoleWithWebIdentity, else
 * AssumeRole, which is signed with cred.  Both may be gone when it returns.
 * The handler gets the response, see ngx_http_aws_sigv4_sts_result().
 */
void ngx_http_aws_sigv4_sts_send(ngx_http_aws_sigv4_job_t *job,
    ngx_http_aws_sigv4_sts_t *sts, sigv4_str_t token,
    sigv4_credentials_t *cred, ngx_http_aws_sigv4_job_fetch_pt handler);

/*
 * Ends the job with what STS has answered.  NGX_AGAIN: it has not ended
 * since it is worth while to try again, which type web_identity does; not
 * if this was the last time.  NGX_DECLINED: it has, and what has signed the
 * request was refused.
 */
ngx_int_t ngx_http_aws_sigv4_sts_result(ngx_http_aws_sigv4_job_t *job,
    ngx_http_aws_sigv4_sts_t *sts, ngx_http_aws_sigv4_fetch_t *f,
    const char *action, ngx_uint_t last);


#endif /* _NGX_HTTP_AWS_SIGV4_STS_H_INCLUDED_ */
