
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_aws_sigv4_profile.h"


static ngx_int_t ngx_http_aws_sigv4_profile_file(
    ngx_http_aws_sigv4_provider_t *p, ngx_log_t *log, ngx_uint_t n,
    ngx_http_aws_sigv4_section_t *s);
static ngx_int_t ngx_http_aws_sigv4_profile_parse(
    ngx_http_aws_sigv4_provider_t *p, ngx_uint_t config,
    ngx_http_aws_sigv4_section_t *s);
static ngx_int_t ngx_http_aws_sigv4_profile_key(
    ngx_http_aws_sigv4_provider_t *p, sigv4_ini_t *ini,
    ngx_http_aws_sigv4_section_t *s);
static void ngx_http_aws_sigv4_profile_services(
    ngx_http_aws_sigv4_section_t *s);
static void ngx_http_aws_sigv4_profile_service_url(sigv4_ini_t *ini,
    sigv4_str_t *url);


static const char  *ngx_http_aws_sigv4_profile_keys[] = {
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
    "aws_security_token",
    "web_identity_token_file",
    "role_arn",
    "sso_account_id",
    "sso_role_name",
    "sso_start_url",
    "credential_process",
    "login_session",
    "source_profile",
    "credential_source",
    "role_session_name",
    "external_id",
    "duration_seconds",
    "mfa_serial",
    "ec2_metadata_service_endpoint",
    "ec2_metadata_service_endpoint_mode",
    "metadata_service_timeout",
    "metadata_service_num_attempts",
    "region",
    "ca_bundle",
    "sts_regional_endpoints",
    "use_fips_endpoint",
    "use_dualstack_endpoint",
    "ignore_configured_endpoint_urls",
    "endpoint_url",
    "services"
};


ngx_int_t
ngx_http_aws_sigv4_profile_read(ngx_http_aws_sigv4_provider_t *p,
    ngx_log_t *log, ngx_http_aws_sigv4_section_t *s)
{
    ngx_int_t   rc;
    ngx_uint_t  n;

    ngx_memzero(s, NGX_HTTP_AWS_SIGV4_FILES
                   * sizeof(ngx_http_aws_sigv4_section_t));

    rc = NGX_OK;

    for (n = 0; n < p->nfiles; n++) {
        if (ngx_http_aws_sigv4_profile_file(p, log, n, &s[n]) != NGX_OK) {
            rc = NGX_ERROR;
        }
    }

    ngx_http_aws_sigv4_profile_services(s);

    return rc;
}


void
ngx_http_aws_sigv4_profile_forget(ngx_http_aws_sigv4_provider_t *p,
    ngx_http_aws_sigv4_section_t *s)
{
    ngx_uint_t  n;

    for (n = 0; n < p->nfiles; n++) {
        ngx_http_aws_sigv4_secret_free(s[n].text.data);
    }
}


sigv4_str_t *
ngx_http_aws_sigv4_profile_value(ngx_http_aws_sigv4_section_t *s,
    ngx_uint_t key)
{
    return s[0].value[key].len ? &s[0].value[key] : &s[1].value[key];
}


ngx_uint_t
ngx_http_aws_sigv4_profile_keyed(ngx_http_aws_sigv4_section_t *s)
{
    return s->value[NGX_HTTP_AWS_SIGV4_PROFILE_ID].len
           || s->value[NGX_HTTP_AWS_SIGV4_PROFILE_SECRET].len;
}


const char *
ngx_http_aws_sigv4_profile_key_name(ngx_uint_t key)
{
    return ngx_http_aws_sigv4_profile_keys[key];
}


static ngx_int_t
ngx_http_aws_sigv4_profile_file(ngx_http_aws_sigv4_provider_t *p,
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

        if (!sigv4_ini_is(ini, ngx_http_aws_sigv4_profile_keys[i])) {
            continue;
        }

        if (ini->continued) {
            return ngx_http_aws_sigv4_provider_error(p, NGX_ERROR,
                                       "%s in line %uz of file \"%V\" "
                                       "goes on in the next line",
                                       ngx_http_aws_sigv4_profile_keys[i],
                                       ini->line, &s->file->name);
        }

        s->value[i] = ini->value;

        break;
    }

    return NGX_OK;
}


/*
 * The profile says which section of the config file has the endpoints of
 * single services.  The value stays NULL if there is no such section.
 */

static void
ngx_http_aws_sigv4_profile_services(ngx_http_aws_sigv4_section_t *s)
{
    int           rc;
    ngx_uint_t    ours;
    sigv4_ini_t   ini;
    sigv4_str_t  *name, *url, text;

    name = ngx_http_aws_sigv4_profile_value(s,
                                         NGX_HTTP_AWS_SIGV4_PROFILE_SERVICES);
    if (name->len == 0) {
        return;
    }

    url = &s[1].value[NGX_HTTP_AWS_SIGV4_PROFILE_STS_ENDPOINT];

    text.len = s[1].text.len;
    text.data = s[1].text.data;

    ours = 0;

    sigv4_ini_init(&ini, text);

    for ( ;; ) {
        rc = sigv4_ini_next(&ini);

        if (rc == SIGV4_INI_SECTION) {
            ours = sigv4_ini_is_services(ini.section, *name);

            if (ours && url->data == NULL) {
                url->data = ini.section.data;
            }

            continue;
        }

        if (rc != SIGV4_INI_KEY) {
            return;
        }

        if (ours && sigv4_ini_is(&ini, "sts")) {
            ngx_http_aws_sigv4_profile_service_url(&ini, url);
        }
    }
}


static void
ngx_http_aws_sigv4_profile_service_url(sigv4_ini_t *ini, sigv4_str_t *url)
{
    int          rc;
    sigv4_ini_t  nested;

    sigv4_ini_nested(ini, &nested);

    do {
        rc = sigv4_ini_next(&nested);

        if (rc == SIGV4_INI_KEY && sigv4_ini_is(&nested, "endpoint_url")) {
            *url = nested.value;
        }

    } while (rc != SIGV4_INI_END);
}
