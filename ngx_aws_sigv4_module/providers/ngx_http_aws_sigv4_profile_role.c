
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Profiles without keys of their own: those that name a role or a process
 * are made providers of these types, with the parameters that the profile
 * gives.  The files are read for it with the configuration alone.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_aws_sigv4_profile.h"


/* a key of a profile and the parameter it is of a provider */
typedef struct {
    ngx_uint_t                           key;
    const char                          *param;
} ngx_http_aws_sigv4_profile_map_t;


static ngx_uint_t ngx_http_aws_sigv4_profile_is_process(
    ngx_http_aws_sigv4_section_t *s);
static ngx_int_t ngx_http_aws_sigv4_profile_check(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p, ngx_http_aws_sigv4_section_t *s);
static ngx_http_aws_sigv4_provider_t *ngx_http_aws_sigv4_profile_derive(
    ngx_conf_t *cf, ngx_http_aws_sigv4_provider_t *p,
    ngx_http_aws_sigv4_section_t *s,
    ngx_http_aws_sigv4_provider_type_t *type);
static ngx_int_t ngx_http_aws_sigv4_profile_source(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p, ngx_http_aws_sigv4_section_t *s,
    ngx_http_aws_sigv4_provider_t *m);
static ngx_http_aws_sigv4_provider_t *ngx_http_aws_sigv4_profile_service(
    ngx_conf_t *cf, ngx_http_aws_sigv4_provider_t *p, sigv4_str_t *name);
static ngx_http_aws_sigv4_provider_t *ngx_http_aws_sigv4_profile_other(
    ngx_conf_t *cf, ngx_http_aws_sigv4_provider_t *p, sigv4_str_t *name);
static ngx_str_t *ngx_http_aws_sigv4_profile_param(
    ngx_http_aws_sigv4_provider_t *m, const char *name);
static ngx_int_t ngx_http_aws_sigv4_profile_copy(ngx_conf_t *cf,
    ngx_str_t *dst, const u_char *data, size_t len);


static ngx_http_aws_sigv4_profile_map_t  ngx_http_aws_sigv4_profile_map[] = {
    { NGX_HTTP_AWS_SIGV4_PROFILE_ROLE, "role_arn" },
    { NGX_HTTP_AWS_SIGV4_PROFILE_WEB_IDENTITY, "token_file" },
    { NGX_HTTP_AWS_SIGV4_PROFILE_PROCESS, "command" },
    { NGX_HTTP_AWS_SIGV4_PROFILE_SESSION_NAME, "session_name" },
    { NGX_HTTP_AWS_SIGV4_PROFILE_EXTERNAL_ID, "external_id" },
    { NGX_HTTP_AWS_SIGV4_PROFILE_DURATION, "duration" },
    { 0, NULL }
};


ngx_int_t
ngx_http_aws_sigv4_profile_role(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p, ngx_http_aws_sigv4_section_t *s)
{
    ngx_uint_t                           web, role;
    ngx_http_aws_sigv4_profile_t        *profile;
    ngx_http_aws_sigv4_provider_t       *m;
    ngx_http_aws_sigv4_provider_type_t  *type;

    profile = p->data;

    /* the settings of the first one hold for all that it needs */

    if (p->profile == NULL) {
        p->profile = p;
    }

    /* of a source the keys count, if it has any, as in botocore */

    if (profile->parent != NULL
        && (ngx_http_aws_sigv4_profile_keyed(&s[0])
            || ngx_http_aws_sigv4_profile_keyed(&s[1])))
    {
        return NGX_OK;
    }

    role = ngx_http_aws_sigv4_profile_value(s,
                                  NGX_HTTP_AWS_SIGV4_PROFILE_ROLE)->len != 0;
    web = ngx_http_aws_sigv4_profile_value(s,
                          NGX_HTTP_AWS_SIGV4_PROFILE_WEB_IDENTITY)->len != 0;

    if (role || web) {
        type = web ? &ngx_http_aws_sigv4_web_identity_provider
                   : &ngx_http_aws_sigv4_assume_role_provider;

        if (ngx_http_aws_sigv4_profile_check(cf, p, s) != NGX_OK) {
            return NGX_ERROR;
        }

    } else if (ngx_http_aws_sigv4_profile_is_process(s)) {
        type = &ngx_http_aws_sigv4_process_provider;

    } else {
        return NGX_OK;
    }

    m = ngx_http_aws_sigv4_profile_derive(cf, p, s, type);

    if (m == NULL) {
        return NGX_ERROR;
    }

    if (type == &ngx_http_aws_sigv4_assume_role_provider
        && ngx_http_aws_sigv4_profile_source(cf, p, s, m) != NGX_OK)
    {
        return NGX_ERROR;
    }

    p->source = m;

    return ngx_http_aws_sigv4_provider_load(cf, m) == NGX_ERROR ? NGX_ERROR
                                                                : NGX_OK;
}


static ngx_uint_t
ngx_http_aws_sigv4_profile_is_process(ngx_http_aws_sigv4_section_t *s)
{
    ngx_uint_t  i;

    static ngx_uint_t  before[] = {
        NGX_HTTP_AWS_SIGV4_PROFILE_SSO_ACCOUNT,
        NGX_HTTP_AWS_SIGV4_PROFILE_SSO_ROLE,
        NGX_HTTP_AWS_SIGV4_PROFILE_SSO_URL,
        NGX_HTTP_AWS_SIGV4_PROFILE_LOGIN
    };

    for (i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
        if (ngx_http_aws_sigv4_profile_value(s, before[i])->len) {
            return 0;
        }
    }

    return !ngx_http_aws_sigv4_profile_keyed(&s[0])
           && ngx_http_aws_sigv4_profile_value(s,
                                    NGX_HTTP_AWS_SIGV4_PROFILE_PROCESS)->len;
}


/* of a profile that has a role or a token */

static ngx_int_t
ngx_http_aws_sigv4_profile_check(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p, ngx_http_aws_sigv4_section_t *s)
{
    const char                    *err;
    ngx_uint_t                     source, service;
    ngx_http_aws_sigv4_profile_t  *profile, *parent;

    profile = p->data;
    err = NULL;

    source = ngx_http_aws_sigv4_profile_value(s,
                                NGX_HTTP_AWS_SIGV4_PROFILE_SOURCE)->len != 0;
    service = ngx_http_aws_sigv4_profile_value(s,
                           NGX_HTTP_AWS_SIGV4_PROFILE_SOURCE_TYPE)->len != 0;

    if (ngx_http_aws_sigv4_profile_value(s,
                                  NGX_HTTP_AWS_SIGV4_PROFILE_ROLE)->len == 0)
    {
        err = "has web_identity_token_file and no role_arn";

    } else if (ngx_http_aws_sigv4_profile_value(s,
                                    NGX_HTTP_AWS_SIGV4_PROFILE_MFA)->len != 0)
    {
        err = "has mfa_serial, and there is nobody who could type a code";

    } else if (ngx_http_aws_sigv4_profile_value(s,
                          NGX_HTTP_AWS_SIGV4_PROFILE_WEB_IDENTITY)->len == 0
               && source == service)
    {
        err = source ? "has both source_profile and credential_source, of "
                       "which one is needed"
                     : "has role_arn and none of source_profile, "
                       "credential_source and web_identity_token_file, "
                       "which say who assumes the role";
    }

    for (parent = profile->parent; parent && !err; parent = parent->parent) {

        if (parent->name.len == profile->name.len
            && ngx_strncmp(parent->name.data, profile->name.data,
                           parent->name.len)
               == 0)
        {
            err = "has itself as its source_profile, and no keys";
        }
    }

    if (err == NULL) {
        return NGX_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"aws_sigv4_provider\": profile \"%V\" %s",
                       &profile->name, err);

    return NGX_ERROR;
}


/* it has the name of the provider that it does the work of, for the log */

static ngx_http_aws_sigv4_provider_t *
ngx_http_aws_sigv4_profile_derive(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p, ngx_http_aws_sigv4_section_t *s,
    ngx_http_aws_sigv4_provider_type_t *type)
{
    ngx_str_t                         *param;
    sigv4_str_t                       *value;
    ngx_http_aws_sigv4_provider_t     *m;
    ngx_http_aws_sigv4_profile_map_t  *map;

    m = ngx_http_aws_sigv4_provider_add(cf, p->store, &p->name, type);
    if (m == NULL) {
        return NULL;
    }

    m->implied = 1;
    m->region = p->region;
    m->profile = p->profile;

    for (map = ngx_http_aws_sigv4_profile_map; map->param; map++) {

        param = ngx_http_aws_sigv4_profile_param(m, map->param);
        value = ngx_http_aws_sigv4_profile_value(s, map->key);

        if (param != NULL && value->len
            && ngx_http_aws_sigv4_profile_copy(cf, param, value->data,
                                               value->len)
               != NGX_OK)
        {
            return NULL;
        }
    }

    param = ngx_http_aws_sigv4_profile_param(m, "region");

    if (param != NULL) {
        *param = p->region;
    }

    return m;
}


/* who assumes the role */

static ngx_int_t
ngx_http_aws_sigv4_profile_source(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p, ngx_http_aws_sigv4_section_t *s,
    ngx_http_aws_sigv4_provider_t *m)
{
    sigv4_str_t  *name;

    name = ngx_http_aws_sigv4_profile_value(s,
                                     NGX_HTTP_AWS_SIGV4_PROFILE_SOURCE_TYPE);

    if (name->len) {
        m->source = ngx_http_aws_sigv4_profile_service(cf, p, name);

    } else {
        name = ngx_http_aws_sigv4_profile_value(s,
                                          NGX_HTTP_AWS_SIGV4_PROFILE_SOURCE);
        m->source = ngx_http_aws_sigv4_profile_other(cf, p, name);
    }

    if (m->source == NULL) {
        return NGX_ERROR;
    }

    m->source->implied = 1;
    m->source->profile = p->profile;

    *ngx_http_aws_sigv4_profile_param(m, "source") = m->source->name;

    return NGX_OK;
}


static ngx_http_aws_sigv4_provider_t *
ngx_http_aws_sigv4_profile_service(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p, sigv4_str_t *name)
{
    ngx_str_t                            value;
    ngx_uint_t                           i;
    ngx_http_aws_sigv4_provider_type_t  *type;

    static struct {
        ngx_str_t                        name;
        ngx_str_t                        type;
    } map[] = {
        { ngx_string("Environment"), ngx_string("env") },
        { ngx_string("Ec2InstanceMetadata"), ngx_string("imds") },
        { ngx_string("EcsContainer"), ngx_string("container") },
        { ngx_null_string, ngx_null_string }
    };

    for (i = 0; map[i].name.len; i++) {

        if (map[i].name.len == name->len
            && ngx_memcmp(map[i].name.data, name->data, name->len) == 0)
        {
            type = ngx_http_aws_sigv4_provider_type(&map[i].type);

            if (type != NULL) {
                return ngx_http_aws_sigv4_provider_add(cf, p->store,
                                                       &map[i].type, type);
            }
        }
    }

    value.len = name->len;
    value.data = (u_char *) name->data;

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"aws_sigv4_provider\": credential_source \"%V\" is "
                       "none of Environment, Ec2InstanceMetadata and "
                       "EcsContainer", &value);

    return NULL;
}


static ngx_http_aws_sigv4_provider_t *
ngx_http_aws_sigv4_profile_other(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p, sigv4_str_t *name)
{
    ngx_str_t                      *param, value;
    ngx_http_aws_sigv4_provider_t  *m;

    if (ngx_http_aws_sigv4_profile_copy(cf, &value, name->data, name->len)
        != NGX_OK)
    {
        return NULL;
    }

    m = ngx_http_aws_sigv4_provider_add(cf, p->store, &value, p->type);
    if (m == NULL) {
        return NULL;
    }

    param = m->params;

    param[NGX_HTTP_AWS_SIGV4_PROFILE_NAME] = value;
    param[NGX_HTTP_AWS_SIGV4_PROFILE_CREDENTIALS] =
                           p->params[NGX_HTTP_AWS_SIGV4_PROFILE_CREDENTIALS];
    param[NGX_HTTP_AWS_SIGV4_PROFILE_CONFIG] =
                                p->params[NGX_HTTP_AWS_SIGV4_PROFILE_CONFIG];

    /* all of them ask the same STS */

    m->region = p->region.len ? p->region : p->store->region;
    m->data = p->data;

    return m;
}


/* NULL: the type has no such parameter */

static ngx_str_t *
ngx_http_aws_sigv4_profile_param(ngx_http_aws_sigv4_provider_t *m,
    const char *name)
{
    ngx_uint_t                   i;
    ngx_http_aws_sigv4_param_t  *param;

    param = m->type->params;

    for (i = 0; param[i].name.len; i++) {
        if (ngx_strcmp(param[i].name.data, name) == 0) {
            return &m->params[i];
        }
    }

    return NULL;
}


static ngx_int_t
ngx_http_aws_sigv4_profile_copy(ngx_conf_t *cf, ngx_str_t *dst,
    const u_char *data, size_t len)
{
    dst->len = len;
    dst->data = ngx_pnalloc(cf->pool, len + 1);

    if (dst->data == NULL) {
        return NGX_ERROR;
    }

    *ngx_cpymem(dst->data, data, len) = '\0';

    return NGX_OK;
}
