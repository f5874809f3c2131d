
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Keys that are named in the configuration: in files of their own or, with
 * a warning, as they are.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_aws_sigv4_provider.h"


enum {
    NGX_HTTP_AWS_SIGV4_STATIC_ID = 0,
    NGX_HTTP_AWS_SIGV4_STATIC_SECRET,
    NGX_HTTP_AWS_SIGV4_STATIC_TOKEN,
    NGX_HTTP_AWS_SIGV4_STATIC_SECRET_FILE,
    NGX_HTTP_AWS_SIGV4_STATIC_TOKEN_FILE
};


static ngx_int_t ngx_http_aws_sigv4_static_init(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p);
static ngx_int_t ngx_http_aws_sigv4_static_load(
    ngx_http_aws_sigv4_provider_t *p, ngx_log_t *log);
static ngx_int_t ngx_http_aws_sigv4_static_value(
    ngx_http_aws_sigv4_provider_t *p, ngx_log_t *log, ngx_uint_t param,
    ngx_http_aws_sigv4_file_t **file, ngx_str_t *text, sigv4_str_t *value);


static ngx_http_aws_sigv4_param_t  ngx_http_aws_sigv4_static_params[] = {
    { ngx_string("access_key_id"), 0 },
    { ngx_string("secret_access_key"), 1 },
    { ngx_string("session_token"), 1 },
    { ngx_string("secret_access_key_file"), 0 },
    { ngx_string("session_token_file"), 0 },
    { ngx_null_string, 0 }
};


ngx_http_aws_sigv4_provider_type_t  ngx_http_aws_sigv4_static_provider = {
    ngx_string("static"),
    ngx_http_aws_sigv4_static_params,
    ngx_http_aws_sigv4_static_init,
    ngx_http_aws_sigv4_static_load,
    ngx_http_aws_sigv4_provider_refresh,
    NULL,
    NULL
};


static ngx_int_t
ngx_http_aws_sigv4_static_init(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p)
{
    char        *err;
    ngx_str_t   *param;
    ngx_uint_t   i;

    param = p->params;
    err = NULL;

    if (param[NGX_HTTP_AWS_SIGV4_STATIC_ID].len == 0) {
        err = "needs \"access_key_id=\"";

    } else if (param[NGX_HTTP_AWS_SIGV4_STATIC_SECRET].len == 0
               && param[NGX_HTTP_AWS_SIGV4_STATIC_SECRET_FILE].len == 0)
    {
        err = "needs \"secret_access_key_file=\"";

    } else if (param[NGX_HTTP_AWS_SIGV4_STATIC_SECRET].len
               && param[NGX_HTTP_AWS_SIGV4_STATIC_SECRET_FILE].len)
    {
        err = "has \"secret_access_key=\" and \"secret_access_key_file=\", "
              "write the latter alone";

    } else if (param[NGX_HTTP_AWS_SIGV4_STATIC_TOKEN].len
               && param[NGX_HTTP_AWS_SIGV4_STATIC_TOKEN_FILE].len)
    {
        err = "has \"session_token=\" and \"session_token_file=\", "
              "write the latter alone";
    }

    if (err != NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"aws_sigv4_provider\": provider \"%V\" of type "
                           "\"static\" %s", &p->name, err);
        return NGX_ERROR;
    }

    for (i = NGX_HTTP_AWS_SIGV4_STATIC_SECRET_FILE;
         i <= NGX_HTTP_AWS_SIGV4_STATIC_TOKEN_FILE;
         i++)
    {
        if (param[i].len == 0) {
            continue;
        }

        p->files[p->nfiles].secret = 1;

        if (ngx_http_aws_sigv4_provider_file(cf, p, &param[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_aws_sigv4_static_load(ngx_http_aws_sigv4_provider_t *p,
    ngx_log_t *log)
{
    char                       *err;
    u_char                     *source;
    ngx_int_t                   rc;
    ngx_str_t                   secret, token;
    sigv4_credentials_t         value;
    ngx_http_aws_sigv4_file_t  *file;

    ngx_str_null(&secret);
    ngx_str_null(&token);

    value.access_key_id.len = p->params[NGX_HTTP_AWS_SIGV4_STATIC_ID].len;
    value.access_key_id.data = p->params[NGX_HTTP_AWS_SIGV4_STATIC_ID].data;

    file = p->files;

    rc = ngx_http_aws_sigv4_static_value(p, log,
                                         NGX_HTTP_AWS_SIGV4_STATIC_SECRET,
                                         &file, &secret,
                                         &value.secret_access_key);
    if (rc != NGX_OK) {
        goto done;
    }

    rc = ngx_http_aws_sigv4_static_value(p, log,
                                         NGX_HTTP_AWS_SIGV4_STATIC_TOKEN,
                                         &file, &token,
                                         &value.session_token);
    if (rc != NGX_OK) {
        goto done;
    }

    source = p->nfiles ? p->files[0].name.data
                       : (u_char *) "the configuration";

    err = ngx_http_aws_sigv4_credentials_set(p, log, &value, 0, source);

    if (err != NULL) {
        rc = ngx_http_aws_sigv4_provider_error(p, NGX_ERROR, "%s", err);
    }

done:

    ngx_http_aws_sigv4_secret_free(secret.data);
    ngx_http_aws_sigv4_secret_free(token.data);

    return rc;
}


/*
 * The value of a parameter, or what is in its file, which may end with a
 * newline and is to have nothing else around it.
 */

static ngx_int_t
ngx_http_aws_sigv4_static_value(ngx_http_aws_sigv4_provider_t *p,
    ngx_log_t *log, ngx_uint_t param, ngx_http_aws_sigv4_file_t **file,
    ngx_str_t *text, sigv4_str_t *value)
{
    ngx_str_t                   error, *name;
    ngx_http_aws_sigv4_file_t  *f;

    value->len = p->params[param].len;
    value->data = p->params[param].data;

    name = &p->params[param - NGX_HTTP_AWS_SIGV4_STATIC_SECRET
                      + NGX_HTTP_AWS_SIGV4_STATIC_SECRET_FILE];

    if (name->len == 0) {
        return NGX_OK;
    }

    f = (*file)++;

    if (ngx_http_aws_sigv4_file_read(f, log, text, &error) != NGX_OK) {
        ngx_str_null(text);
        return ngx_http_aws_sigv4_provider_error(p, NGX_ERROR,
                                                 "file \"%V\" %V",
                                                 &f->name, &error);
    }

    value->len = text->len;
    value->data = text->data;

    while (value->len && (value->data[value->len - 1] == LF
                          || value->data[value->len - 1] == CR))
    {
        value->len--;
    }

    if (value->len == 0) {
        return ngx_http_aws_sigv4_provider_error(p, NGX_ERROR,
                                                 "file \"%V\" is empty",
                                                 &f->name);
    }

    return NGX_OK;
}
