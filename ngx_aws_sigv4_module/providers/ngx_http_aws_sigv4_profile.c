
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A profile of the files that the AWS CLI and the SDKs share, by default
 * ~/.aws/credentials and ~/.aws/config.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_aws_sigv4_profile.h"


static ngx_int_t ngx_http_aws_sigv4_profile_init(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p);
static ngx_int_t ngx_http_aws_sigv4_profile_name(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p);
static ngx_int_t ngx_http_aws_sigv4_profile_file(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p, ngx_uint_t param, const char *env,
    const char *fallback);
static ngx_int_t ngx_http_aws_sigv4_profile_load(
    ngx_http_aws_sigv4_provider_t *p, ngx_log_t *log);
static void ngx_http_aws_sigv4_profile_refresh(
    ngx_http_aws_sigv4_provider_t *p, ngx_log_t *log);
static ngx_int_t ngx_http_aws_sigv4_profile_resolve(
    ngx_http_aws_sigv4_provider_t *p, ngx_log_t *log,
    ngx_http_aws_sigv4_section_t *s);
static ngx_int_t ngx_http_aws_sigv4_profile_set(
    ngx_http_aws_sigv4_provider_t *p, ngx_log_t *log,
    ngx_http_aws_sigv4_section_t *s);


static ngx_http_aws_sigv4_param_t  ngx_http_aws_sigv4_profile_params[] = {
    { ngx_string("name"), 0 },
    { ngx_string("credentials_file"), 0 },
    { ngx_string("config_file"), 0 },
    { ngx_null_string, 0 }
};


#define NGX_HTTP_AWS_SIGV4_PROFILE_SSO                                        \
    "an SSO login, and that is not supported"

#define NGX_HTTP_AWS_SIGV4_PROFILE_RELOAD                                     \
    "a reload of nginx, as it was not there before"


/* what a profile needs that has the key, and was not made a provider of */

static struct {
    ngx_uint_t                           key;
    const char                          *needs;
} ngx_http_aws_sigv4_profile_needs[] = {
    { NGX_HTTP_AWS_SIGV4_PROFILE_WEB_IDENTITY,
      NGX_HTTP_AWS_SIGV4_PROFILE_RELOAD },
    { NGX_HTTP_AWS_SIGV4_PROFILE_ROLE,
      NGX_HTTP_AWS_SIGV4_PROFILE_RELOAD },
    { NGX_HTTP_AWS_SIGV4_PROFILE_SSO_ACCOUNT,
      NGX_HTTP_AWS_SIGV4_PROFILE_SSO },
    { NGX_HTTP_AWS_SIGV4_PROFILE_SSO_ROLE,
      NGX_HTTP_AWS_SIGV4_PROFILE_SSO },
    { NGX_HTTP_AWS_SIGV4_PROFILE_SSO_URL,
      NGX_HTTP_AWS_SIGV4_PROFILE_SSO },
    { NGX_HTTP_AWS_SIGV4_PROFILE_PROCESS,
      NGX_HTTP_AWS_SIGV4_PROFILE_RELOAD },
    { NGX_HTTP_AWS_SIGV4_PROFILE_LOGIN,
      "a login of the AWS CLI, and that is not supported" },
    { 0, NULL }
};


ngx_http_aws_sigv4_provider_type_t  ngx_http_aws_sigv4_profile_provider = {
    ngx_string("profile"),
    ngx_http_aws_sigv4_profile_params,
    ngx_http_aws_sigv4_profile_init,
    ngx_http_aws_sigv4_profile_load,
    ngx_http_aws_sigv4_profile_refresh,
    NULL,
    NULL
};


static ngx_int_t
ngx_http_aws_sigv4_profile_init(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p)
{
    ngx_int_t                     rc;
    ngx_http_aws_sigv4_section_t  section[NGX_HTTP_AWS_SIGV4_FILES];

    if (ngx_http_aws_sigv4_profile_names(cf, p) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = NGX_OK;

    /* what is wrong with the files, load() will say */

    if (ngx_http_aws_sigv4_profile_read(p, cf->log, section) == NGX_OK
        && ngx_http_aws_sigv4_profile_region(p, section) == NGX_OK)
    {
        rc = ngx_http_aws_sigv4_profile_role(cf, p, section);
    }

    ngx_http_aws_sigv4_profile_forget(p, section);

    return rc;
}


ngx_int_t
ngx_http_aws_sigv4_profile_names(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p)
{
    ngx_http_aws_sigv4_profile_t  *profile;

    profile = ngx_pcalloc(cf->pool, sizeof(ngx_http_aws_sigv4_profile_t));
    if (profile == NULL) {
        return NGX_ERROR;
    }

    profile->parent = p->data;
    p->data = profile;

    if (ngx_http_aws_sigv4_profile_name(cf, p) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_http_aws_sigv4_profile_file(cf, p,
                                     NGX_HTTP_AWS_SIGV4_PROFILE_CREDENTIALS,
                                     "AWS_SHARED_CREDENTIALS_FILE",
                                     "~/.aws/credentials")
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_aws_sigv4_profile_file(cf, p,
                                           NGX_HTTP_AWS_SIGV4_PROFILE_CONFIG,
                                           "AWS_CONFIG_FILE",
                                           "~/.aws/config");
}


static ngx_int_t
ngx_http_aws_sigv4_profile_name(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p)
{
    ngx_str_t                      name;
    ngx_http_aws_sigv4_profile_t  *profile;

    profile = p->data;
    profile->chosen = 1;

    name = p->params[NGX_HTTP_AWS_SIGV4_PROFILE_NAME];

    if (name.len) {
        profile->written = 1;

    } else {
        name = ngx_http_aws_sigv4_environ_get(cf, "AWS_PROFILE");
    }

    if (name.len == 0) {
        name = ngx_http_aws_sigv4_environ_get(cf, "AWS_DEFAULT_PROFILE");
    }

    if (name.len == 0) {
        profile->chosen = 0;
        ngx_str_set(&name, "default");
    }

    profile->name.len = name.len;
    profile->name.data = ngx_pstrdup(cf->pool, &name);

    return profile->name.data ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_http_aws_sigv4_profile_file(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p, ngx_uint_t param, const char *env,
    const char *fallback)
{
    u_char                        *copy;
    ngx_str_t                      path;
    ngx_http_aws_sigv4_profile_t  *profile;

    path = p->params[param];

    if (path.len) {
        profile = p->data;
        profile->written = 1;

    } else {
        path = ngx_http_aws_sigv4_environ_get(cf, env);
    }

    if (path.len == 0) {
        path.data = (u_char *) fallback;
        path.len = ngx_strlen(fallback);
    }

    copy = ngx_pnalloc(cf->pool, path.len + 1);
    if (copy == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_cpystrn(copy, path.data, path.len + 1);
    path.data = copy;

    return ngx_http_aws_sigv4_provider_file(cf, p, &path);
}


static ngx_int_t
ngx_http_aws_sigv4_profile_load(ngx_http_aws_sigv4_provider_t *p,
    ngx_log_t *log)
{
    ngx_int_t                     rc;
    ngx_http_aws_sigv4_section_t  section[NGX_HTTP_AWS_SIGV4_FILES];

    if (p->source != NULL) {
        return p->source->rc;
    }

    rc = ngx_http_aws_sigv4_profile_read(p, log, section);

    if (rc == NGX_OK) {
        rc = ngx_http_aws_sigv4_profile_resolve(p, log, section);
    }

    ngx_http_aws_sigv4_profile_forget(p, section);

    return rc;
}


static void
ngx_http_aws_sigv4_profile_refresh(ngx_http_aws_sigv4_provider_t *p,
    ngx_log_t *log)
{
    if (p->source != NULL) {
        p->source->type->refresh(p->source, log);
        return;
    }

    ngx_http_aws_sigv4_provider_refresh(p, log);
}


/*
 * In the order of the SDKs: a role, an SSO login, the keys of the
 * credentials file, a process, the keys of the config file.
 */

static ngx_int_t
ngx_http_aws_sigv4_profile_resolve(ngx_http_aws_sigv4_provider_t *p,
    ngx_log_t *log, ngx_http_aws_sigv4_section_t *s)
{
    ngx_uint_t                     i, key;
    ngx_http_aws_sigv4_profile_t  *profile;

    profile = p->data;

    if (!s[0].found && !s[1].found) {
        return ngx_http_aws_sigv4_provider_error(p,
                        profile->chosen || profile->written ? NGX_ERROR
                                                            : NGX_DECLINED,
                        "there is no profile \"%V\" in \"%V\" or \"%V\"",
                        &profile->name, &s[0].file->name, &s[1].file->name);
    }

    if (ngx_http_aws_sigv4_profile_region(p, s) != NGX_OK) {
        return NGX_ERROR;
    }

    if (profile->parent == NULL
        || !(ngx_http_aws_sigv4_profile_keyed(&s[0])
             || ngx_http_aws_sigv4_profile_keyed(&s[1])))
    {

        for (i = 0; ngx_http_aws_sigv4_profile_needs[i].needs; i++) {
            key = ngx_http_aws_sigv4_profile_needs[i].key;

            if (key == NGX_HTTP_AWS_SIGV4_PROFILE_PROCESS
                && ngx_http_aws_sigv4_profile_keyed(&s[0]))
            {
                break;
            }

            if (ngx_http_aws_sigv4_profile_value(s, key)->len) {
                return ngx_http_aws_sigv4_provider_error(p, NGX_ERROR,
                                   "profile \"%V\" has %s, which needs %s",
                                   &profile->name,
                                   ngx_http_aws_sigv4_profile_key_name(key),
                                   ngx_http_aws_sigv4_profile_needs[i].needs);
            }
        }
    }

    for (i = 0; i < p->nfiles; i++) {

        if (ngx_http_aws_sigv4_profile_keyed(&s[i])) {
            return ngx_http_aws_sigv4_profile_set(p, log, &s[i]);
        }
    }

    return ngx_http_aws_sigv4_provider_error(p,
                        profile->chosen || profile->written ? NGX_ERROR
                                                            : NGX_DECLINED,
                        "profile \"%V\" has no keys in \"%V\" or \"%V\"",
                        &profile->name, &s[0].file->name, &s[1].file->name);
}


static ngx_int_t
ngx_http_aws_sigv4_profile_set(ngx_http_aws_sigv4_provider_t *p,
    ngx_log_t *log, ngx_http_aws_sigv4_section_t *s)
{
    char                          *err;
    sigv4_str_t                   *value;
    sigv4_credentials_t            cred;
    ngx_http_aws_sigv4_profile_t  *profile;

    profile = p->data;
    value = s->value;

    s->file->secret = 1;

    cred.access_key_id = value[NGX_HTTP_AWS_SIGV4_PROFILE_ID];
    cred.secret_access_key = value[NGX_HTTP_AWS_SIGV4_PROFILE_SECRET];
    cred.session_token = value[NGX_HTTP_AWS_SIGV4_PROFILE_TOKEN];

    if (cred.session_token.len == 0) {
        cred.session_token = value[NGX_HTTP_AWS_SIGV4_PROFILE_OLD_TOKEN];
    }

    err = ngx_http_aws_sigv4_credentials_set(p, log, &cred, 0,
                                             s->file->name.data);
    if (err != NULL) {
        return ngx_http_aws_sigv4_provider_error(p, NGX_ERROR,
                                                 "in profile \"%V\" of file "
                                                 "\"%V\" %s", &profile->name,
                                                 &s->file->name, err);
    }

    return NGX_OK;
}


/*
 * The environment comes first, as in the SDKs, unless the configuration of
 * nginx itself says which profile it wants.  Requests may hold the region,
 * so it stays as it was read first.
 */

ngx_int_t
ngx_http_aws_sigv4_profile_region(ngx_http_aws_sigv4_provider_t *p,
    ngx_http_aws_sigv4_section_t *s)
{
    sigv4_str_t                   *region;
    ngx_http_aws_sigv4_profile_t  *profile;

    profile = p->data;

    region = &s[0].value[NGX_HTTP_AWS_SIGV4_PROFILE_REGION];

    if (region->len == 0) {
        region = &s[1].value[NGX_HTTP_AWS_SIGV4_PROFILE_REGION];
    }

    if (region->len > NGX_HTTP_AWS_SIGV4_PROFILE_REGION_MAX) {
        return ngx_http_aws_sigv4_provider_error(p, NGX_ERROR,
                                                 "the region of profile "
                                                 "\"%V\" is too long",
                                                 &profile->name);
    }

    if (p->region.len || region->len == 0
        || (!profile->written && p->store->region.len))
    {
        return NGX_OK;
    }

    ngx_memcpy(profile->region, region->data, region->len);

    p->region.len = region->len;
    p->region.data = profile->region;

    return NGX_OK;
}
