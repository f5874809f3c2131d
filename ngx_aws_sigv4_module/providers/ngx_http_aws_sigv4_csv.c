
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The file with a key that the AWS console hands out.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_aws_sigv4_provider.h"
#include "sigv4_csv.h"


static ngx_int_t ngx_http_aws_sigv4_csv_init(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p);
static ngx_int_t ngx_http_aws_sigv4_csv_load(
    ngx_http_aws_sigv4_provider_t *p, ngx_log_t *log);


static ngx_http_aws_sigv4_param_t  ngx_http_aws_sigv4_csv_params[] = {
    { ngx_string("file"), 0 },
    { ngx_null_string, 0 }
};


ngx_http_aws_sigv4_provider_type_t  ngx_http_aws_sigv4_csv_provider = {
    ngx_string("csv"),
    ngx_http_aws_sigv4_csv_params,
    ngx_http_aws_sigv4_csv_init,
    ngx_http_aws_sigv4_csv_load,
    ngx_http_aws_sigv4_provider_refresh,
    NULL,
    NULL
};


static ngx_int_t
ngx_http_aws_sigv4_csv_init(ngx_conf_t *cf, ngx_http_aws_sigv4_provider_t *p)
{
    if (p->params[0].len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"aws_sigv4_provider\": provider \"%V\" of type "
                           "\"csv\" needs \"file=\"", &p->name);
        return NGX_ERROR;
    }

    p->files[0].secret = 1;

    return ngx_http_aws_sigv4_provider_file(cf, p, &p->params[0]);
}


static ngx_int_t
ngx_http_aws_sigv4_csv_load(ngx_http_aws_sigv4_provider_t *p, ngx_log_t *log)
{
    char                       *err;
    ngx_int_t                   rc;
    ngx_str_t                   text, error;
    sigv4_str_t                 str;
    sigv4_csv_t                 csv;
    sigv4_credentials_t         value;
    ngx_http_aws_sigv4_file_t  *f;

    f = &p->files[0];

    if (ngx_http_aws_sigv4_file_read(f, log, &text, &error) != NGX_OK) {
        return ngx_http_aws_sigv4_provider_error(p, NGX_ERROR,
                                                 "file \"%V\" %V",
                                                 &f->name, &error);
    }

    str.len = text.len;
    str.data = text.data;

    rc = NGX_OK;

    if (sigv4_csv_read(&csv, str) != SIGV4_OK) {
        rc = ngx_http_aws_sigv4_provider_error(p, NGX_ERROR,
                                               "file \"%V\" is not one of "
                                               "the AWS console: %s",
                                               &f->name, csv.error);
        goto done;
    }

    value.access_key_id = csv.access_key_id;
    value.secret_access_key = csv.secret_access_key;
    value.session_token.len = 0;
    value.session_token.data = NULL;

    err = ngx_http_aws_sigv4_credentials_set(p, log, &value, 0,
                                             f->name.data);
    if (err != NULL) {
        rc = ngx_http_aws_sigv4_provider_error(p, NGX_ERROR,
                                               "in file \"%V\" %s",
                                               &f->name, err);
    }

done:

    ngx_http_aws_sigv4_secret_free(text.data);

    return rc;
}
