
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

#include "ngx_http_aws_sigv4_provider.h"
#include "sigv4_ini.h"


#define NGX_HTTP_AWS_SIGV4_PROFILE_REGION_MAX  64


enum {
    NGX_HTTP_AWS_SIGV4_PROFILE_NAME = 0,
    NGX_HTTP_AWS_SIGV4_PROFILE_CREDENTIALS,
    NGX_HTTP_AWS_SIGV4_PROFILE_CONFIG
};


/* keys of a profile */
enum {
    NGX_HTTP_AWS_SIGV4_PROFILE_ID = 0,
    NGX_HTTP_AWS_SIGV4_PROFILE_SECRET,
    NGX_HTTP_AWS_SIGV4_PROFILE_TOKEN,
    NGX_HTTP_AWS_SIGV4_PROFILE_OLD_TOKEN,
    NGX_HTTP_AWS_SIGV4_PROFILE_REGION,
    NGX_HTTP_AWS_SIGV4_PROFILE_WEB_IDENTITY,
    NGX_HTTP_AWS_SIGV4_PROFILE_ROLE,
    NGX_HTTP_AWS_SIGV4_PROFILE_SSO_ACCOUNT,
    NGX_HTTP_AWS_SIGV4_PROFILE_SSO_ROLE,
    NGX_HTTP_AWS_SIGV4_PROFILE_SSO_URL,
    NGX_HTTP_AWS_SIGV4_PROFILE_PROCESS,
    NGX_HTTP_AWS_SIGV4_PROFILE_LOGIN,
    NGX_HTTP_AWS_SIGV4_PROFILE_KEYS
};


/* a profile as it is in one of the files */
typedef struct {
    ngx_str_t                            text;    /* of the file */
    sigv4_str_t                value[NGX_HTTP_AWS_SIGV4_PROFILE_KEYS];
    ngx_uint_t                           found;   /* the profile */
    ngx_http_aws_sigv4_file_t           *file;
} ngx_http_aws_sigv4_section_t;


typedef struct {
    ngx_str_t                            name;
    ngx_uint_t                           chosen;  /* by name */
    ngx_uint_t                           written; /* in the configuration */
    u_char                region[NGX_HTTP_AWS_SIGV4_PROFILE_REGION_MAX];
} ngx_http_aws_sigv4_profile_t;


static ngx_int_t ngx_http_aws_sigv4_profile_init(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p);
static ngx_int_t ngx_http_aws_sigv4_profile_name(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p);
static ngx_int_t ngx_http_aws_sigv4_profile_file(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p, ngx_uint_t param, const char *env,
    const char *fallback);
static ngx_int_t ngx_http_aws_sigv4_profile_load(
    ngx_http_aws_sigv4_provider_t *p, ngx_log_t *log);
static ngx_int_t ngx_http_aws_sigv4_profile_read(
    ngx_http_aws_sigv4_provider_t *p, ngx_log_t *log, ngx_uint_t n,
    ngx_http_aws_sigv4_section_t *s);
static ngx_int_t ngx_http_aws_sigv4_profile_parse(
    ngx_http_aws_sigv4_provider_t *p, ngx_uint_t config,
    ngx_http_aws_sigv4_section_t *s);
static ngx_int_t ngx_http_aws_sigv4_profile_key(
    ngx_http_aws_sigv4_provider_t *p, sigv4_ini_t *ini,
    ngx_http_aws_sigv4_section_t *s);
static ngx_int_t ngx_http_aws_sigv4_profile_resolve(
    ngx_http_aws_sigv4_provider_t *p, ngx_log_t *log,
    ngx_http_aws_sigv4_section_t *s);
static ngx_int_t ngx_http_aws_sigv4_profile_set(
    ngx_http_aws_sigv4_provider_t *p, ngx_log_t *log,
    ngx_http_aws_sigv4_section_t *s);
static ngx_int_t ngx_http_aws_sigv4_profile_region(
    ngx_http_aws_sigv4_provider_t *p, ngx_http_aws_sigv4_section_t *s);


static ngx_http_aws_sigv4_param_t  ngx_http_aws_sigv4_profile_params[] = {
    { ngx_string("name"), 0 },
    { ngx_string("credentials_file"), 0 },
    { ngx_string("config_file"), 0 },
    { ngx_null_string, 0 }
};


/* with what a profile needs that has the key and not keys of its own */

static struct {
    const char                          *name;
    const char                          *needs;
} ngx_http_aws_sigv4_profile_keys[] = {
    { "aws_access_key_id", NULL },
    { "aws_secret_access_key", NULL },
    { "aws_session_token", NULL },
    { "aws_security_token", NULL },
    { "region", NULL },
    { "web_identity_token_file", "a provider of type web_identity" },
    { "role_arn", "a provider of type assume_role" },
    { "sso_account_id", "an SSO login" },
    { "sso_role_name", "an SSO login" },
    { "sso_start_url", "an SSO login" },
    { "credential_process", "a provider of type process" },
    { "login_session", "a login of the AWS CLI" }
};


ngx_http_aws_sigv4_provider_type_t  ngx_http_aws_sigv4_profile_provider = {
    ngx_string("profile"),
    ngx_http_aws_sigv4_profile_params,
    ngx_http_aws_sigv4_profile_init,
    ngx_http_aws_sigv4_profile_load,
    ngx_http_aws_sigv4_provider_refresh
};


static ngx_int_t
ngx_http_aws_sigv4_profile_init(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p)
{
    p->data = ngx_pcalloc(cf->pool, sizeof(ngx_http_aws_sigv4_profile_t));

    if (p->data == NULL
        || ngx_http_aws_sigv4_profile_name(cf, p) != NGX_OK)
    {
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
    ngx_uint_t                    n;
    ngx_http_aws_sigv4_section_t  section[NGX_HTTP_AWS_SIGV4_FILES];

    ngx_memzero(section, sizeof(section));

    rc = NGX_OK;

    for (n = 0; n < p->nfiles && rc == NGX_OK; n++) {
        rc = ngx_http_aws_sigv4_profile_read(p, log, n, &section[n]);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_aws_sigv4_profile_resolve(p, log, section);
    }

    for (n = 0; n < p->nfiles; n++) {
        ngx_http_aws_sigv4_secret_free(section[n].text.data);
    }

    return rc;
}


/*
 * The region alone, for a chain whose keys are from elsewhere: with keys in
 * the environment the SDKs still take the region of the config file.
 */

void
ngx_http_aws_sigv4_profile_lend_region(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p)
{
    ngx_uint_t                    n;
    ngx_http_aws_sigv4_section_t  section[NGX_HTTP_AWS_SIGV4_FILES];

    if (ngx_http_aws_sigv4_profile_init(cf, p) != NGX_OK) {
        return;
    }

    ngx_memzero(section, sizeof(section));

    for (n = 0; n < p->nfiles; n++) {
        (void) ngx_http_aws_sigv4_profile_read(p, cf->log, n, &section[n]);
    }

    (void) ngx_http_aws_sigv4_profile_region(p, section);

    for (n = 0; n < p->nfiles; n++) {
        ngx_http_aws_sigv4_secret_free(section[n].text.data);
    }

    /* nothing of it is in use, so nothing is watched */

    p->nfiles = 0;
}


static ngx_int_t
ngx_http_aws_sigv4_profile_read(ngx_http_aws_sigv4_provider_t *p,
    ngx_log_t *log, ngx_uint_t n, ngx_http_aws_sigv4_section_t *s)
{
    ngx_int_t   rc;
    ngx_str_t   error;
    ngx_uint_t  config;

    config = (n == 1);

    s->file = &p->files[n];

    rc = ngx_http_aws_sigv4_file_read(s->file, log, &s->text, &error);

    if (rc == NGX_OK) {
        return ngx_http_aws_sigv4_profile_parse(p, config, s);
    }

    ngx_str_null(&s->text);

    /* one that was asked for by name must be there */

    if (rc == NGX_DECLINED
        && p->params[NGX_HTTP_AWS_SIGV4_PROFILE_CREDENTIALS + config].len == 0)
    {
        return NGX_OK;
    }

    return ngx_http_aws_sigv4_provider_error(p, NGX_ERROR, "file \"%V\" %V",
                                             &s->file->name, &error);
}


static ngx_int_t
ngx_http_aws_sigv4_profile_parse(ngx_http_aws_sigv4_provider_t *p,
    ngx_uint_t config, ngx_http_aws_sigv4_section_t *s)
{
    int                            rc;
    ngx_uint_t                     ours;
    sigv4_str_t                    text, name;
    sigv4_ini_t                    ini;
    ngx_http_aws_sigv4_profile_t  *profile;

    profile = p->data;

    name.len = profile->name.len;
    name.data = profile->name.data;

    text.len = s->text.len;
    text.data = s->text.data;

    ours = 0;

    sigv4_ini_init(&ini, text);

    for ( ;; ) {
        rc = sigv4_ini_next(&ini);

        if (rc == SIGV4_INI_SECTION) {
            ours = sigv4_ini_is_profile(ini.section, name, config);
            s->found |= ours;
            continue;
        }

        if (rc != SIGV4_INI_KEY) {
            break;
        }

        if (ours && ngx_http_aws_sigv4_profile_key(p, &ini, s) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if (rc == SIGV4_INI_END) {
        return NGX_OK;
    }

    return ngx_http_aws_sigv4_provider_error(p, NGX_ERROR,
                                             "line %uz of file \"%V\" is "
                                             "neither [section] nor "
                                             "key = value",
                                             ini.line, &s->file->name);
}


static ngx_int_t
ngx_http_aws_sigv4_profile_key(ngx_http_aws_sigv4_provider_t *p,
    sigv4_ini_t *ini, ngx_http_aws_sigv4_section_t *s)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_AWS_SIGV4_PROFILE_KEYS; i++) {

        if (!sigv4_ini_is(ini, ngx_http_aws_sigv4_profile_keys[i].name)) {
            continue;
        }

        if (ini->continued) {
            return ngx_http_aws_sigv4_provider_error(p, NGX_ERROR,
                                       "%s in line %uz of file \"%V\" "
                                       "goes on in the next line",
                                       ngx_http_aws_sigv4_profile_keys[i].name,
                                       ini->line, &s->file->name);
        }

        s->value[i] = ini->value;

        break;
    }

    return NGX_OK;
}


/*
 * In the order of the SDKs: a role, an SSO login, the keys of the
 * credentials file, a process, the keys of the config file.
 */

static ngx_int_t
ngx_http_aws_sigv4_profile_resolve(ngx_http_aws_sigv4_provider_t *p,
    ngx_log_t *log, ngx_http_aws_sigv4_section_t *s)
{
    ngx_uint_t                     i;
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

    for (i = NGX_HTTP_AWS_SIGV4_PROFILE_WEB_IDENTITY;
         i < NGX_HTTP_AWS_SIGV4_PROFILE_KEYS;
         i++)
    {
        if (i == NGX_HTTP_AWS_SIGV4_PROFILE_PROCESS
            && (s[0].value[NGX_HTTP_AWS_SIGV4_PROFILE_ID].len
                || s[0].value[NGX_HTTP_AWS_SIGV4_PROFILE_SECRET].len))
        {
            break;
        }

        if (s[0].value[i].len || s[1].value[i].len) {
            return ngx_http_aws_sigv4_provider_error(p, NGX_ERROR,
                                     "profile \"%V\" has %s, which needs "
                                     "%s, and that is not supported; name a "
                                     "profile with keys of its own",
                                     &profile->name,
                                     ngx_http_aws_sigv4_profile_keys[i].name,
                                     ngx_http_aws_sigv4_profile_keys[i].needs);
        }
    }

    for (i = 0; i < p->nfiles; i++) {

        if (s[i].value[NGX_HTTP_AWS_SIGV4_PROFILE_ID].len
            || s[i].value[NGX_HTTP_AWS_SIGV4_PROFILE_SECRET].len)
        {
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

static ngx_int_t
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
