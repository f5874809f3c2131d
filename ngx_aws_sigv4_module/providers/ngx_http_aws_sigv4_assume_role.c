
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The session of a role that STS gives to whoever may assume it: another
 * provider, of any type, whose credentials sign the request.  If that one
 * assumes a role itself, roles are chained.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_aws_sigv4_sts.h"


enum {
    NGX_HTTP_AWS_SIGV4_ASSUME_ROLE_SOURCE = NGX_HTTP_AWS_SIGV4_STS_PARAMS,
    NGX_HTTP_AWS_SIGV4_ASSUME_ROLE_EXTERNAL_ID,
    NGX_HTTP_AWS_SIGV4_ASSUME_ROLE_TAGS,
    NGX_HTTP_AWS_SIGV4_ASSUME_ROLE_IDENTITY
};


typedef struct {
    ngx_http_aws_sigv4_sts_t             sts;
    ngx_http_aws_sigv4_provider_t       *source;
} ngx_http_aws_sigv4_assume_role_t;


static ngx_int_t ngx_http_aws_sigv4_assume_role_init(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p);
static ngx_int_t ngx_http_aws_sigv4_assume_role_source(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p, ngx_http_aws_sigv4_assume_role_t *ar);
static ngx_int_t ngx_http_aws_sigv4_assume_role_chained(ngx_conf_t *cf,
    ngx_http_aws_sigv4_assume_role_t *ar);
static ngx_int_t ngx_http_aws_sigv4_assume_role_params(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p, sigv4_role_t *role);
static void ngx_http_aws_sigv4_assume_role_fetch(
    ngx_http_aws_sigv4_job_t *job);
static void ngx_http_aws_sigv4_assume_role_sourced(
    ngx_http_aws_sigv4_job_t *job, ngx_http_aws_sigv4_credentials_t *cred);
static void ngx_http_aws_sigv4_assume_role_fetched(
    ngx_http_aws_sigv4_job_t *job, ngx_http_aws_sigv4_fetch_t *f);


static ngx_http_aws_sigv4_param_t  ngx_http_aws_sigv4_assume_role_list[] =
{
    ngx_http_aws_sigv4_sts_params,
    { ngx_string("source"), 0 },
    { ngx_string("external_id"), 0 },
    { ngx_string("tags"), 0 },
    { ngx_string("source_identity"), 0 },
    { ngx_null_string, 0 }
};


ngx_http_aws_sigv4_provider_type_t  ngx_http_aws_sigv4_assume_role_provider =
{
    ngx_string("assume_role"),
    ngx_http_aws_sigv4_assume_role_list,
    ngx_http_aws_sigv4_assume_role_init,
    ngx_http_aws_sigv4_remote_load,
    ngx_http_aws_sigv4_remote_refresh,
    ngx_http_aws_sigv4_assume_role_fetch,
    NULL
};


static ngx_int_t
ngx_http_aws_sigv4_assume_role_init(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p)
{
    ngx_str_t                         *param;
    ngx_http_aws_sigv4_assume_role_t  *ar;

    ar = ngx_pcalloc(cf->pool, sizeof(ngx_http_aws_sigv4_assume_role_t));
    if (ar == NULL) {
        return NGX_ERROR;
    }

    p->data = ar;

    param = p->params;

    if (param[NGX_HTTP_AWS_SIGV4_STS_ROLE_ARN].len == 0
        || param[NGX_HTTP_AWS_SIGV4_ASSUME_ROLE_SOURCE].len == 0)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"aws_sigv4_provider\": provider \"%V\" of type "
                           "assume_role needs \"role_arn=\", and \"source=\" "
                           "with the provider that may assume the role",
                           &p->name);
        return NGX_ERROR;
    }

    if (ngx_http_aws_sigv4_remote_create(cf, p) != NGX_OK
        || ngx_http_aws_sigv4_assume_role_source(cf, p, ar) != NGX_OK
        || ngx_http_aws_sigv4_assume_role_params(cf, p, &ar->sts.role)
           != NGX_OK
        || ngx_http_aws_sigv4_sts_init(cf, p, &ar->sts,
                                  &param[NGX_HTTP_AWS_SIGV4_STS_ROLE_ARN],
                                  &param[NGX_HTTP_AWS_SIGV4_STS_SESSION_NAME])
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_aws_sigv4_assume_role_chained(cf, ar);
}


static ngx_int_t
ngx_http_aws_sigv4_assume_role_source(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p, ngx_http_aws_sigv4_assume_role_t *ar)
{
    ngx_int_t                       rc;
    ngx_str_t                      *name;
    ngx_http_aws_sigv4_provider_t  *source;

    name = &p->params[NGX_HTTP_AWS_SIGV4_ASSUME_ROLE_SOURCE];

    /* a profile has made its own */

    source = p->source;
    p->source = NULL;

    if (source == NULL) {
        rc = ngx_http_aws_sigv4_provider_member(cf, p->store, name, &source);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (rc == NGX_DECLINED) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"aws_sigv4_provider\": \"source=%V\" is "
                               "neither a provider that is defined nor a "
                               "type that needs no parameters", name);
            return NGX_ERROR;
        }
    }

    rc = ngx_http_aws_sigv4_provider_load(cf, source);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (rc == NGX_DECLINED) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "\"aws_sigv4_provider\": the source of provider "
                           "\"%V\" has no credentials: %V", &p->name,
                           &source->error);
    }

    ar->source = source;

    ngx_http_aws_sigv4_remote_key_source(p, source);

    return NGX_OK;
}


/*
 * What is asked for is at most an hour if it is asked with the credentials
 * of a role, and all that come from a remote source are that; of a process
 * that is not known.
 */

static ngx_int_t
ngx_http_aws_sigv4_assume_role_chained(ngx_conf_t *cf,
    ngx_http_aws_sigv4_assume_role_t *ar)
{
    ngx_http_aws_sigv4_provider_t  *leaf;

    leaf = ar->source->source ? ar->source->source : ar->source;

    if (leaf->type->fetch == NULL
        || leaf->type == &ngx_http_aws_sigv4_process_provider
        || ar->sts.role.duration <= SIGV4_ROLE_DURATION_CHAIN)
    {
        return NGX_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"aws_sigv4_provider\": \"duration=%ud\" is more "
                       "than %d, the most that STS gives to a role that "
                       "assumes another one", ar->sts.role.duration,
                       SIGV4_ROLE_DURATION_CHAIN);

    return NGX_ERROR;
}


static ngx_int_t
ngx_http_aws_sigv4_assume_role_params(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p, sigv4_role_t *role)
{
    ngx_str_t  *param;

    param = p->params;

    if (ngx_http_aws_sigv4_sts_param(cf,
                          &param[NGX_HTTP_AWS_SIGV4_ASSUME_ROLE_EXTERNAL_ID],
                          "external_id", sigv4_role_check_external_id,
                          &role->external_id)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_http_aws_sigv4_sts_param(cf,
                                 &param[NGX_HTTP_AWS_SIGV4_ASSUME_ROLE_TAGS],
                                 "tags", sigv4_role_check_tags, &role->tags)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_http_aws_sigv4_sts_param(cf,
                             &param[NGX_HTTP_AWS_SIGV4_ASSUME_ROLE_IDENTITY],
                             "source_identity",
                             sigv4_role_check_source_identity,
                             &role->source_identity)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static void
ngx_http_aws_sigv4_assume_role_fetch(ngx_http_aws_sigv4_job_t *job)
{
    ngx_http_aws_sigv4_assume_role_t  *ar;

    ar = job->provider->data;

    ngx_http_aws_sigv4_job_source(job, ar->source,
                                  ngx_http_aws_sigv4_assume_role_sourced);
}


static void
ngx_http_aws_sigv4_assume_role_sourced(ngx_http_aws_sigv4_job_t *job,
    ngx_http_aws_sigv4_credentials_t *cred)
{
    uint64_t                          *generation;
    sigv4_str_t                        none;
    ngx_http_aws_sigv4_assume_role_t  *ar;

    ar = job->provider->data;

    if (cred == NULL) {
        ngx_http_aws_sigv4_job_fail(job, "its source, provider \"%V\", has "
                                    "no credentials: %V", &ar->source->name,
                                    &job->error);
        return;
    }

    generation = ngx_palloc(job->pool, sizeof(uint64_t));
    if (generation == NULL) {
        ngx_http_aws_sigv4_job_fail(job, "there is no memory");
        return;
    }

    *generation = cred->generation;
    job->data = generation;

    none.len = 0;
    none.data = NULL;

    ngx_http_aws_sigv4_sts_send(job, &ar->sts, none, &cred->value,
                                ngx_http_aws_sigv4_assume_role_fetched);
}


static void
ngx_http_aws_sigv4_assume_role_fetched(ngx_http_aws_sigv4_job_t *job,
    ngx_http_aws_sigv4_fetch_t *f)
{
    uint64_t                           generation;
    ngx_http_aws_sigv4_assume_role_t  *ar;

    ar = job->provider->data;
    generation = *(uint64_t *) job->data;

    /* there is no job behind it */

    if (ngx_http_aws_sigv4_sts_result(job, &ar->sts, f, "AssumeRole", 1)
        == NGX_DECLINED)
    {
        ngx_http_aws_sigv4_credentials_refused(ar->source, generation);
    }
}
