
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Keys that are named in the configuration, in files of their own or, with
 * a warning, as they are.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_aws_sigv4_provider.h"


enum {
    ACCESS_KEY_ID = 0,
    SECRET_ACCESS_KEY,
    SESSION_TOKEN
};


static ngx_int_t ngx_http_aws_sigv4_static_init(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p);


static ngx_http_aws_sigv4_param_t  ngx_http_aws_sigv4_static_params[] = {
    { ngx_string("access_key_id"), 0 },
    { ngx_string("secret_access_key"), 1 },
    { ngx_string("session_token"), 1 },
    { ngx_null_string, 0 }
};


ngx_http_aws_sigv4_provider_type_t  ngx_http_aws_sigv4_static_provider = {
    ngx_string("static"),
    ngx_http_aws_sigv4_static_params,
    ngx_http_aws_sigv4_static_init,
    NULL
};


static ngx_int_t
ngx_http_aws_sigv4_static_init(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p)
{
    char                 *err;
    sigv4_credentials_t   value;

    value.access_key_id.data = p->params[ACCESS_KEY_ID].data;
    value.access_key_id.len = p->params[ACCESS_KEY_ID].len;
    value.secret_access_key.data = p->params[SECRET_ACCESS_KEY].data;
    value.secret_access_key.len = p->params[SECRET_ACCESS_KEY].len;
    value.session_token.data = p->params[SESSION_TOKEN].data;
    value.session_token.len = p->params[SESSION_TOKEN].len;

    err = ngx_http_aws_sigv4_credentials_set(p, cf->log, &value, 0,
                                             (u_char *) "the configuration");
    if (err != NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"aws_sigv4_provider\": provider \"%V\" cannot "
                           "be used: %s", &p->name, err);
        return NGX_ERROR;
    }

    return NGX_OK;
}
