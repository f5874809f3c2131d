
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The endpoint that gives containers their credentials: of ECS, of EKS Pod
 * Identity, or of anything that speaks as they do.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_http_aws_sigv4_remote.h"
#include "sigv4_json.h"


#define NGX_HTTP_AWS_SIGV4_CONTAINER_HOST  "http://169.254.170.2"

enum {
    NGX_HTTP_AWS_SIGV4_CONTAINER_ENDPOINT = 0,
    NGX_HTTP_AWS_SIGV4_CONTAINER_TOKEN_FILE
};


typedef struct {
    ngx_http_aws_sigv4_origin_t      origin;
    ngx_str_t                        token;     /* if there is no file */
} ngx_http_aws_sigv4_container_t;


static ngx_int_t ngx_http_aws_sigv4_container_init(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p);
static ngx_int_t ngx_http_aws_sigv4_container_url(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p, ngx_str_t *url, const char **from);
static ngx_int_t ngx_http_aws_sigv4_container_allowed(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p, ngx_str_t *url, const char *from);
static ngx_int_t ngx_http_aws_sigv4_container_token(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p);
static void ngx_http_aws_sigv4_container_cleanup(void *data);
static void ngx_http_aws_sigv4_container_fetch(ngx_http_aws_sigv4_job_t *job);
static ngx_int_t ngx_http_aws_sigv4_container_authorization(
    ngx_http_aws_sigv4_job_t *job, ngx_http_aws_sigv4_fetch_t *f);
static ngx_int_t ngx_http_aws_sigv4_container_header(
    ngx_http_aws_sigv4_job_t *job, ngx_http_aws_sigv4_fetch_t *f,
    ngx_str_t *token, const char *from);
static void ngx_http_aws_sigv4_container_fetched(
    ngx_http_aws_sigv4_job_t *job, ngx_http_aws_sigv4_fetch_t *f);


static ngx_http_aws_sigv4_param_t  ngx_http_aws_sigv4_container_params[] = {
    { ngx_string("endpoint"), 0 },
    { ngx_string("token_file"), 0 },
    { ngx_null_string, 0 }
};


ngx_http_aws_sigv4_provider_type_t  ngx_http_aws_sigv4_container_provider = {
    ngx_string("container"),
    ngx_http_aws_sigv4_container_params,
    ngx_http_aws_sigv4_container_init,
    ngx_http_aws_sigv4_remote_load,
    ngx_http_aws_sigv4_remote_refresh,
    ngx_http_aws_sigv4_container_fetch,
    NULL
};


/* what may be asked over http besides the loopback */
static ngx_str_t  ngx_http_aws_sigv4_container_hosts[] = {
    ngx_string("169.254.170.2"),
    ngx_string("169.254.170.23"),
    ngx_string("fd00:ec2::23"),
    ngx_null_string
};


static ngx_int_t
ngx_http_aws_sigv4_container_init(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p)
{
    ngx_int_t                        rc;
    ngx_str_t                        url;
    const char                      *from;
    ngx_http_aws_sigv4_container_t  *container;

    container = ngx_pcalloc(cf->pool, sizeof(ngx_http_aws_sigv4_container_t));
    if (container == NULL) {
        return NGX_ERROR;
    }

    p->data = container;

    rc = ngx_http_aws_sigv4_container_url(cf, p, &url, &from);

    if (rc == NGX_DECLINED) {
        (void) ngx_http_aws_sigv4_provider_error(p, NGX_DECLINED,
                                   "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI "
                                   "and AWS_CONTAINER_CREDENTIALS_FULL_URI "
                                   "are not set");
        return NGX_OK;
    }

    if (rc == NGX_ERROR
        || ngx_http_aws_sigv4_remote_create(cf, p) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_aws_sigv4_remote_key(p, &url);

    if (ngx_http_aws_sigv4_container_allowed(cf, p, &url, from) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_aws_sigv4_container_token(cf, p);
}


static ngx_int_t
ngx_http_aws_sigv4_container_url(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p, ngx_str_t *url, const char **from)
{
    u_char     *data;
    ngx_str_t   value, host;

    *from = "\"endpoint=\"";
    value = p->params[NGX_HTTP_AWS_SIGV4_CONTAINER_ENDPOINT];

    ngx_str_null(&host);

    if (value.len == 0) {
        *from = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
        value = ngx_http_aws_sigv4_environ_get(cf, *from);

        if (value.len) {
            ngx_str_set(&host, NGX_HTTP_AWS_SIGV4_CONTAINER_HOST);
        }

        if (value.len && value.data[0] != '/') {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"aws_sigv4_provider\": %s is \"%V\", it has "
                               "to begin with \"/\"", *from, &value);
            return NGX_ERROR;
        }
    }

    if (value.len == 0) {
        *from = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
        value = ngx_http_aws_sigv4_environ_get(cf, *from);
    }

    if (value.len == 0) {
        return NGX_DECLINED;
    }

    data = ngx_pnalloc(cf->pool, host.len + value.len);
    if (data == NULL) {
        return NGX_ERROR;
    }

    url->data = data;

    if (host.len) {
        data = ngx_cpymem(data, host.data, host.len);
    }

    data = ngx_cpymem(data, value.data, value.len);
    url->len = data - url->data;

    return NGX_OK;
}


/*
 * The token goes to whom the URL names: over http to nobody who is not the
 * host itself.  A name would have to be resolved, by whomever.
 */

static ngx_int_t
ngx_http_aws_sigv4_container_allowed(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p, ngx_str_t *url, const char *from)
{
    ngx_str_t                        none, *host, *h;
    ngx_http_aws_sigv4_container_t  *container;

    container = p->data;
    ngx_str_null(&none);

    if (url->len >= sizeof("http://") - 1
        && ngx_strncasecmp(url->data, (u_char *) "http://",
                           sizeof("http://") - 1) == 0)
    {
        /* without a resolver a name would be refused for want of one */

        if (ngx_http_aws_sigv4_origin(cf->pool, url, &container->origin)
            == NULL)
        {
            if (container->origin.loopback) {
                return NGX_OK;
            }

            host = &container->origin.host;

            for (h = ngx_http_aws_sigv4_container_hosts; h->len; h++) {
                if (h->len == host->len
                    && ngx_strncasecmp(h->data, host->data, h->len) == 0)
                {
                    return NGX_OK;
                }
            }

            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"aws_sigv4_provider\": \"%V\" in %s of "
                               "provider \"%V\" is not allowed, over http "
                               "credentials come from loopback, "
                               "169.254.170.2, 169.254.170.23 and "
                               "[fd00:ec2::23] alone", url, from, &p->name);
            return NGX_ERROR;
        }
    }

    return ngx_http_aws_sigv4_remote_origin(cf, p, url, from, &none,
                                            &container->origin);
}


static ngx_int_t
ngx_http_aws_sigv4_container_token(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p)
{
    ngx_str_t                        path, token;
    ngx_pool_cleanup_t              *cln;
    ngx_http_aws_sigv4_container_t  *container;

    container = p->data;

    path = p->params[NGX_HTTP_AWS_SIGV4_CONTAINER_TOKEN_FILE];

    if (path.len == 0) {
        token = ngx_http_aws_sigv4_environ_get(cf,
                                    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");

        path.len = token.len;
        path.data = ngx_pnalloc(cf->pool, token.len + 1);
        if (path.data == NULL) {
            return NGX_ERROR;
        }

        (void) ngx_cpystrn(path.data, token.data ? token.data
                                                 : (u_char *) "",
                           token.len + 1);
    }

    if (path.len) {
        ngx_http_aws_sigv4_remote_key(p, &path);

        return ngx_http_aws_sigv4_provider_file(cf, p, &path);
    }

    token = ngx_http_aws_sigv4_environ_get(cf,
                                         "AWS_CONTAINER_AUTHORIZATION_TOKEN");

    if (token.len == 0) {
        return NGX_OK;
    }

    ngx_http_aws_sigv4_remote_key(p, &token);

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    cln->handler = ngx_http_aws_sigv4_container_cleanup;
    cln->data = container;

    container->token.data = ngx_http_aws_sigv4_secret_alloc(token.len,
                                                            cf->log);
    if (container->token.data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(container->token.data, token.data, token.len);
    container->token.len = token.len;

    return NGX_OK;
}


static void
ngx_http_aws_sigv4_container_cleanup(void *data)
{
    ngx_http_aws_sigv4_container_t  *container = data;

    ngx_http_aws_sigv4_secret_free(container->token.data);
}


static void
ngx_http_aws_sigv4_container_fetch(ngx_http_aws_sigv4_job_t *job)
{
    ngx_http_aws_sigv4_fetch_t      *f;
    ngx_http_aws_sigv4_container_t  *container;

    static ngx_str_t  json = ngx_string("application/json");

    container = job->provider->data;

    f = ngx_http_aws_sigv4_job_fetch(job, &container->origin,
                                     ngx_http_aws_sigv4_container_fetched);

    if (f == NULL
        || ngx_http_aws_sigv4_fetch_header(f, "Accept", &json) != NGX_OK)
    {
        ngx_http_aws_sigv4_job_fail(job, "there is no memory");
        return;
    }

    if (ngx_http_aws_sigv4_container_authorization(job, f) == NGX_OK) {
        ngx_http_aws_sigv4_fetch_start(f);
    }
}


/* NGX_ERROR: the job has failed */

static ngx_int_t
ngx_http_aws_sigv4_container_authorization(ngx_http_aws_sigv4_job_t *job,
    ngx_http_aws_sigv4_fetch_t *f)
{
    ngx_int_t                        rc;
    ngx_str_t                        text, token, error;
    ngx_http_aws_sigv4_provider_t   *p;
    ngx_http_aws_sigv4_container_t  *container;

    p = job->provider;
    container = p->data;

    if (p->nfiles == 0) {
        return container->token.len
               ? ngx_http_aws_sigv4_container_header(job, f,
                                        &container->token,
                                        "AWS_CONTAINER_AUTHORIZATION_TOKEN")
               : NGX_OK;
    }

    /* each time: it is replaced before it expires */

    if (ngx_http_aws_sigv4_file_read(&p->files[0], job->log, &text, &error)
        != NGX_OK)
    {
        ngx_http_aws_sigv4_job_fail(job, "the token file \"%V\" %V",
                                    &p->files[0].name, &error);
        return NGX_ERROR;
    }

    token = text;

    if (token.len && token.data[token.len - 1] == '\n') {
        token.len--;
    }

    if (token.len && token.data[token.len - 1] == '\r') {
        token.len--;
    }

    rc = ngx_http_aws_sigv4_container_header(job, f, &token,
                                             (char *) p->files[0].name.data);

    ngx_http_aws_sigv4_secret_free(text.data);

    return rc;
}


static ngx_int_t
ngx_http_aws_sigv4_container_header(ngx_http_aws_sigv4_job_t *job,
    ngx_http_aws_sigv4_fetch_t *f, ngx_str_t *token, const char *from)
{
    ngx_int_t  rc;

    if (token->len == 0) {
        ngx_http_aws_sigv4_job_fail(job, "the token in %s is empty", from);
        return NGX_ERROR;
    }

    rc = ngx_http_aws_sigv4_fetch_header(f, "Authorization", token);

    if (rc == NGX_OK) {
        return NGX_OK;
    }

    if (rc == NGX_DECLINED) {
        ngx_http_aws_sigv4_job_fail(job, "the token in %s has a character "
                                    "that cannot be sent", from);
    } else {
        ngx_http_aws_sigv4_job_fail(job, "there is no memory");
    }

    return NGX_ERROR;
}


static void
ngx_http_aws_sigv4_container_fetched(ngx_http_aws_sigv4_job_t *job,
    ngx_http_aws_sigv4_fetch_t *f)
{
    if (f->status == 0) {
        ngx_http_aws_sigv4_job_fail(job, "%V", &f->error);
        return;
    }

    if (f->status != 200) {
        ngx_http_aws_sigv4_job_fail(job, "%V answered with %ui%s",
                                    &f->origin->name, f->status,
                                    f->status == 401 || f->status == 403
                                    ? ", it does not accept the token"
                                    : "");
        return;
    }

    ngx_http_aws_sigv4_job_json(job, &sigv4_json_container, &f->response,
                                ngx_time());
}
