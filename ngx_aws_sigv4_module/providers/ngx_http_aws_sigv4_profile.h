
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A profile of the files that the AWS CLI and the SDKs share: what is in
 * them, and what becomes of one that has no keys of its own.
 */


#ifndef _NGX_HTTP_AWS_SIGV4_PROFILE_H_INCLUDED_
#define _NGX_HTTP_AWS_SIGV4_PROFILE_H_INCLUDED_


#include "ngx_http_aws_sigv4_provider.h"
#include "sigv4_ini.h"


#define NGX_HTTP_AWS_SIGV4_PROFILE_REGION_MAX  64


/* parameters */
enum {
    NGX_HTTP_AWS_SIGV4_PROFILE_NAME = 0,
    NGX_HTTP_AWS_SIGV4_PROFILE_CREDENTIALS,
    NGX_HTTP_AWS_SIGV4_PROFILE_CONFIG,
    NGX_HTTP_AWS_SIGV4_PROFILE_PARAMS
};


/* keys of a profile */
enum {
    NGX_HTTP_AWS_SIGV4_PROFILE_ID = 0,
    NGX_HTTP_AWS_SIGV4_PROFILE_SECRET,
    NGX_HTTP_AWS_SIGV4_PROFILE_TOKEN,
    NGX_HTTP_AWS_SIGV4_PROFILE_OLD_TOKEN,
    NGX_HTTP_AWS_SIGV4_PROFILE_WEB_IDENTITY,
    NGX_HTTP_AWS_SIGV4_PROFILE_ROLE,
    NGX_HTTP_AWS_SIGV4_PROFILE_SSO_ACCOUNT,
    NGX_HTTP_AWS_SIGV4_PROFILE_SSO_ROLE,
    NGX_HTTP_AWS_SIGV4_PROFILE_SSO_URL,
    NGX_HTTP_AWS_SIGV4_PROFILE_PROCESS,
    NGX_HTTP_AWS_SIGV4_PROFILE_LOGIN,
    NGX_HTTP_AWS_SIGV4_PROFILE_SOURCE,
    NGX_HTTP_AWS_SIGV4_PROFILE_SOURCE_TYPE,
    NGX_HTTP_AWS_SIGV4_PROFILE_SESSION_NAME,
    NGX_HTTP_AWS_SIGV4_PROFILE_EXTERNAL_ID,
    NGX_HTTP_AWS_SIGV4_PROFILE_DURATION,
    NGX_HTTP_AWS_SIGV4_PROFILE_MFA,
    NGX_HTTP_AWS_SIGV4_PROFILE_IMDS_ENDPOINT,
    NGX_HTTP_AWS_SIGV4_PROFILE_IMDS_MODE,
    NGX_HTTP_AWS_SIGV4_PROFILE_IMDS_TIMEOUT,
    NGX_HTTP_AWS_SIGV4_PROFILE_IMDS_ATTEMPTS,
    NGX_HTTP_AWS_SIGV4_PROFILE_REGION,
    NGX_HTTP_AWS_SIGV4_PROFILE_CA_BUNDLE,
    NGX_HTTP_AWS_SIGV4_PROFILE_STS_REGIONAL,
    NGX_HTTP_AWS_SIGV4_PROFILE_FIPS,
    NGX_HTTP_AWS_SIGV4_PROFILE_DUALSTACK,
    NGX_HTTP_AWS_SIGV4_PROFILE_IGNORE_URLS,
    NGX_HTTP_AWS_SIGV4_PROFILE_ENDPOINT,
    NGX_HTTP_AWS_SIGV4_PROFILE_SERVICES,
    NGX_HTTP_AWS_SIGV4_PROFILE_KEYS,

    /* endpoint_url of sts in the section that "services" names */
    NGX_HTTP_AWS_SIGV4_PROFILE_STS_ENDPOINT = NGX_HTTP_AWS_SIGV4_PROFILE_KEYS,
    NGX_HTTP_AWS_SIGV4_PROFILE_VALUES
};


/* a profile as it is in one of the files */
typedef struct {
    ngx_str_t                            text;    /* of the file */
    sigv4_str_t                value[NGX_HTTP_AWS_SIGV4_PROFILE_VALUES];
    ngx_uint_t                           found;   /* the profile */
    ngx_http_aws_sigv4_file_t           *file;
} ngx_http_aws_sigv4_section_t;


typedef struct ngx_http_aws_sigv4_profile_s  ngx_http_aws_sigv4_profile_t;

struct ngx_http_aws_sigv4_profile_s {
    ngx_str_t                            name;
    ngx_http_aws_sigv4_profile_t        *parent;  /* whose source it is */
    ngx_uint_t                           chosen;  /* by name */
    ngx_uint_t                           written; /* in the configuration */
    u_char                region[NGX_HTTP_AWS_SIGV4_PROFILE_REGION_MAX];
};


/*
 * Reads what both files have of the profile.  The texts are to be given to
 * profile_forget(), whatever is returned.  NGX_ERROR: provider_error().
 */
ngx_int_t ngx_http_aws_sigv4_profile_read(ngx_http_aws_sigv4_provider_t *p,
    ngx_log_t *log, ngx_http_aws_sigv4_section_t *s);
void ngx_http_aws_sigv4_profile_forget(ngx_http_aws_sigv4_provider_t *p,
    ngx_http_aws_sigv4_section_t *s);

/* the credentials file comes first */
sigv4_str_t *ngx_http_aws_sigv4_profile_value(
    ngx_http_aws_sigv4_section_t *s, ngx_uint_t key);

/* whether there are keys of its own in the file */
ngx_uint_t ngx_http_aws_sigv4_profile_keyed(ngx_http_aws_sigv4_section_t *s);

const char *ngx_http_aws_sigv4_profile_key_name(ngx_uint_t key);

/* finds out what the profile is called, and where the files are */
ngx_int_t ngx_http_aws_sigv4_profile_names(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p);

/* sets p->region */
ngx_int_t ngx_http_aws_sigv4_profile_region(ngx_http_aws_sigv4_provider_t *p,
    ngx_http_aws_sigv4_section_t *s);

/*
 * Sets values to those of n variables of the environment or, where env has
 * no name or it is not set, those of the keys from key on of p->profile or
 * else the profile of the environment.  They are copies that end with NUL,
 * and data is NULL where there is none.  What is wrong with the files is
 * left to the provider of the profile.
 */
ngx_int_t ngx_http_aws_sigv4_profile_settings(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p, ngx_uint_t key, ngx_uint_t n,
    const char **env, ngx_str_t *values);

/* the SDKs take no other word for it */
#define ngx_http_aws_sigv4_profile_is_true(value)                             \
    ((value)->len == sizeof("true") - 1                                       \
     && ngx_strncasecmp((value)->data, (u_char *) "true",                     \
                        sizeof("true") - 1) == 0)

/*
 * Makes the provider that a profile stands for which names a role or a
 * process, p->source; there is none if it has keys.  NGX_ERROR has been
 * logged.
 */
ngx_int_t ngx_http_aws_sigv4_profile_role(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p, ngx_http_aws_sigv4_section_t *s);


#endif /* _NGX_HTTP_AWS_SIGV4_PROFILE_H_INCLUDED_ */
