
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Keys in the environment that nginx was started in.  It does not change
 * while nginx runs, so they are read with the configuration alone.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_aws_sigv4_provider.h"
#include "sigv4_iso8601.h"


typedef struct {
    sigv4_credentials_t                  value;
    sigv4_str_t                          expiration;
} ngx_http_aws_sigv4_env_t;


static ngx_int_t ngx_http_aws_sigv4_env_init(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p);
static void ngx_http_aws_sigv4_env_value(ngx_conf_t *cf, const char *name,
    sigv4_str_t *value);
static ngx_int_t ngx_http_aws_sigv4_env_load(
    ngx_http_aws_sigv4_provider_t *p, ngx_log_t *log);


static ngx_http_aws_sigv4_param_t  ngx_http_aws_sigv4_env_params[] = {
    { ngx_null_string, 0 }
};


ngx_http_aws_sigv4_provider_type_t  ngx_http_aws_sigv4_env_provider = {
    ngx_string("env"),
    ngx_http_aws_sigv4_env_params,
    ngx_http_aws_sigv4_env_init,
    ngx_http_aws_sigv4_env_load,
    NULL,
    NULL,
    NULL
};


static ngx_int_t
ngx_http_aws_sigv4_env_init(ngx_conf_t *cf, ngx_http_aws_sigv4_provider_t *p)
{
    ngx_http_aws_sigv4_env_t  *env;

    env = ngx_pcalloc(cf->pool, sizeof(ngx_http_aws_sigv4_env_t));
    if (env == NULL) {
        return NGX_ERROR;
    }

    p->data = env;

    ngx_http_aws_sigv4_env_value(cf, "AWS_ACCESS_KEY_ID",
                                 &env->value.access_key_id);
    ngx_http_aws_sigv4_env_value(cf, "AWS_SECRET_ACCESS_KEY",
                                 &env->value.secret_access_key);
    ngx_http_aws_sigv4_env_value(cf, "AWS_SESSION_TOKEN",
                                 &env->value.session_token);

    if (env->value.session_token.len == 0) {
        ngx_http_aws_sigv4_env_value(cf, "AWS_SECURITY_TOKEN",
                                     &env->value.session_token);
    }

    ngx_http_aws_sigv4_env_value(cf, "AWS_CREDENTIAL_EXPIRATION",
                                 &env->expiration);

    return NGX_OK;
}


static void
ngx_http_aws_sigv4_env_value(ngx_conf_t *cf, const char *name,
    sigv4_str_t *value)
{
    ngx_str_t  s;

    s = ngx_http_aws_sigv4_environ_get(cf, name);

    value->len = s.len;
    value->data = s.data;
}


static ngx_int_t
ngx_http_aws_sigv4_env_load(ngx_http_aws_sigv4_provider_t *p, ngx_log_t *log)
{
    char                      *err;
    time_t                     expires;
    ngx_http_aws_sigv4_env_t  *env;

    env = p->data;

    if (env->value.access_key_id.len == 0
        && env->value.secret_access_key.len == 0)
    {
        return ngx_http_aws_sigv4_provider_error(p, NGX_DECLINED,
                                            "AWS_ACCESS_KEY_ID is not set");
    }

    if (env->value.access_key_id.len == 0) {
        return ngx_http_aws_sigv4_provider_error(p, NGX_ERROR,
                                            "AWS_SECRET_ACCESS_KEY is set "
                                            "without AWS_ACCESS_KEY_ID");
    }

    if (env->value.secret_access_key.len == 0) {
        return ngx_http_aws_sigv4_provider_error(p, NGX_ERROR,
                                            "AWS_ACCESS_KEY_ID is set "
                                            "without AWS_SECRET_ACCESS_KEY");
    }

    expires = 0;

    if (env->expiration.len
        && sigv4_iso8601(env->expiration, &expires) != SIGV4_OK)
    {
        return ngx_http_aws_sigv4_provider_error(p, NGX_ERROR,
                                            "AWS_CREDENTIAL_EXPIRATION is "
                                            "not a time as "
                                            "2027-01-31T12:00:00Z");
    }

    err = ngx_http_aws_sigv4_credentials_set(p, log, &env->value, expires,
                                             (u_char *) "the environment");
    if (err != NULL) {
        return ngx_http_aws_sigv4_provider_error(p, NGX_ERROR,
                                            "in the environment %s", err);
    }

    if (expires != 0 && expires <= ngx_time()) {

        /* a reload would fail ever after if this were an error */

        ngx_log_error(NGX_LOG_WARN, log, 0,
                      "aws sigv4: the credentials in the environment have "
                      "expired, start nginx with others");
    }

    return NGX_OK;
}
