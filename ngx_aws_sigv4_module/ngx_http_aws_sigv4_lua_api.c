
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include "ngx_http_aws_sigv4_lua.h"
#include "providers/ngx_http_aws_sigv4_provider.h"


/* longer than any host name, region, service or name of a provider */
#define NGX_HTTP_AWS_SIGV4_LUA_VALUE  255


typedef struct ngx_http_aws_sigv4_lua_field_s  ngx_http_aws_sigv4_lua_field_t;

struct ngx_http_aws_sigv4_lua_field_s {
    char       *name;
    int       (*get)(lua_State *L, ngx_http_aws_sigv4_lua_field_t *field);
    void      (*set)(lua_State *L, ngx_http_aws_sigv4_lua_field_t *field);
    size_t      offset;
};


static void ngx_http_aws_sigv4_lua_members(lua_State *L);
static ngx_http_aws_sigv4_lua_field_t *ngx_http_aws_sigv4_lua_field(
    lua_State *L);
static int ngx_http_aws_sigv4_lua_get(lua_State *L);
static int ngx_http_aws_sigv4_lua_set(lua_State *L);

static int ngx_http_aws_sigv4_lua_get_request(lua_State *L,
    ngx_http_aws_sigv4_lua_field_t *field);
static int ngx_http_aws_sigv4_lua_get_body(lua_State *L,
    ngx_http_aws_sigv4_lua_field_t *field);
static int ngx_http_aws_sigv4_lua_get_choice(lua_State *L,
    ngx_http_aws_sigv4_lua_field_t *field);
static int ngx_http_aws_sigv4_lua_get_credentials(lua_State *L,
    ngx_http_aws_sigv4_lua_field_t *field);
static int ngx_http_aws_sigv4_lua_push_chosen(lua_State *L,
    ngx_str_t *value);
static int ngx_http_aws_sigv4_lua_get_payload(lua_State *L,
    ngx_http_aws_sigv4_lua_field_t *field);

static void ngx_http_aws_sigv4_lua_value(lua_State *L, ngx_str_t *value);
static void ngx_http_aws_sigv4_lua_set_choice(lua_State *L,
    ngx_http_aws_sigv4_lua_field_t *field);
static void ngx_http_aws_sigv4_lua_set_credentials(lua_State *L,
    ngx_http_aws_sigv4_lua_field_t *field);
static void ngx_http_aws_sigv4_lua_set_payload(lua_State *L,
    ngx_http_aws_sigv4_lua_field_t *field);

static int ngx_http_aws_sigv4_lua_deny(lua_State *L);
static int ngx_http_aws_sigv4_lua_off(lua_State *L);


static ngx_http_aws_sigv4_lua_field_t  ngx_http_aws_sigv4_lua_fields[] = {

    { "method", ngx_http_aws_sigv4_lua_get_request, NULL,
      offsetof(ngx_http_request_t, method_name) },

    { "uri", ngx_http_aws_sigv4_lua_get_request, NULL,
      offsetof(ngx_http_request_t, uri) },

    { "args", ngx_http_aws_sigv4_lua_get_request, NULL,
      offsetof(ngx_http_request_t, args) },

    { "body", ngx_http_aws_sigv4_lua_get_body, NULL, 0 },

    { "region", ngx_http_aws_sigv4_lua_get_choice,
      ngx_http_aws_sigv4_lua_set_choice,
      offsetof(ngx_http_aws_sigv4_choice_t, region) },

    { "service", ngx_http_aws_sigv4_lua_get_choice,
      ngx_http_aws_sigv4_lua_set_choice,
      offsetof(ngx_http_aws_sigv4_choice_t, service) },

    { "host", ngx_http_aws_sigv4_lua_get_choice,
      ngx_http_aws_sigv4_lua_set_choice,
      offsetof(ngx_http_aws_sigv4_choice_t, host) },

    { "credentials", ngx_http_aws_sigv4_lua_get_credentials,
      ngx_http_aws_sigv4_lua_set_credentials, 0 },

    { "payload", ngx_http_aws_sigv4_lua_get_payload,
      ngx_http_aws_sigv4_lua_set_payload, 0 },

    { NULL, NULL, NULL, 0 }
};


/*
 * What is the same in all requests is found in a table, without a call of C;
 * the metamethod of that table gives the fields.
 */

void
ngx_http_aws_sigv4_lua_api(lua_State *L)
{
    int          fields;
    lua_Integer  i;

    lua_createtable(L, 0, 16);
    fields = lua_gettop(L);

    for (i = 0; ngx_http_aws_sigv4_lua_fields[i].name != NULL; i++) {
        lua_pushinteger(L, i + 1);
        lua_setfield(L, fields, ngx_http_aws_sigv4_lua_fields[i].name);
    }

    ngx_http_aws_sigv4_lua_members(L);

    lua_createtable(L, 0, 1);
    lua_pushvalue(L, fields);
    lua_pushcclosure(L, ngx_http_aws_sigv4_lua_get, 1);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, -2);

    lua_pushvalue(L, fields);
    lua_pushcclosure(L, ngx_http_aws_sigv4_lua_set, 1);

    ngx_http_aws_sigv4_lua_object(L);

    lua_remove(L, fields);
}


static void
ngx_http_aws_sigv4_lua_members(lua_State *L)
{
    lua_createtable(L, 0, 8);

    ngx_http_aws_sigv4_lua_headers(L);
    lua_setfield(L, -2, "headers");

    ngx_http_aws_sigv4_lua_variables(L);
    lua_setfield(L, -2, "var");

    lua_pushcfunction(L, ngx_http_aws_sigv4_lua_json);
    lua_setfield(L, -2, "json");

    lua_pushcfunction(L, ngx_http_aws_sigv4_lua_deny);
    lua_setfield(L, -2, "deny");

    lua_pushcfunction(L, ngx_http_aws_sigv4_lua_off);
    lua_setfield(L, -2, "off");
}


void
ngx_http_aws_sigv4_lua_object(lua_State *L)
{
    (void) lua_newuserdata(L, 0);
    lua_insert(L, -3);

    lua_createtable(L, 0, 3);
    lua_insert(L, -3);

    lua_setfield(L, -3, "__newindex");
    lua_setfield(L, -2, "__index");

    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");

    lua_setmetatable(L, -2);
}


/* the key is the second argument of either metamethod */

static ngx_http_aws_sigv4_lua_field_t *
ngx_http_aws_sigv4_lua_field(lua_State *L)
{
    lua_Integer  i;

    lua_pushvalue(L, 2);
    lua_rawget(L, lua_upvalueindex(1));
    i = lua_tointeger(L, -1);

    if (i == 0) {
        luaL_error(L, "no field \"%s\" in \"sigv4\"", luaL_checkstring(L, 2));
    }

    return &ngx_http_aws_sigv4_lua_fields[i - 1];
}


static int
ngx_http_aws_sigv4_lua_get(lua_State *L)
{
    ngx_http_aws_sigv4_lua_field_t  *field;

    field = ngx_http_aws_sigv4_lua_field(L);

    return field->get(L, field);
}


static int
ngx_http_aws_sigv4_lua_set(lua_State *L)
{
    ngx_http_aws_sigv4_lua_field_t  *field;

    field = ngx_http_aws_sigv4_lua_field(L);

    if (field->set == NULL) {
        return luaL_error(L, "\"%s\" cannot be set", field->name);
    }

    field->set(L, field);

    return 0;
}


static int
ngx_http_aws_sigv4_lua_get_request(lua_State *L,
    ngx_http_aws_sigv4_lua_field_t *field)
{
    char       *request;
    ngx_str_t  *value;

    request = (char *) ngx_http_aws_sigv4_lua_run(L)->request;
    value = (ngx_str_t *) (request + field->offset);

    lua_pushlstring(L, (char *) value->data, value->len);

    return 1;
}


static int
ngx_http_aws_sigv4_lua_get_body(lua_State *L,
    ngx_http_aws_sigv4_lua_field_t *field)
{
    ngx_str_t  *body;

    body = ngx_http_aws_sigv4_lua_body(L, field->name);

    if (body->data == NULL) {
        lua_pushnil(L);

    } else {
        lua_pushlstring(L, (char *) body->data, body->len);
    }

    return 1;
}


static int
ngx_http_aws_sigv4_lua_get_choice(lua_State *L,
    ngx_http_aws_sigv4_lua_field_t *field)
{
    char       *choice;
    ngx_str_t  *value;

    choice = (char *) &ngx_http_aws_sigv4_lua_run(L)->ctx->choice;
    value = (ngx_str_t *) (choice + field->offset);

    return ngx_http_aws_sigv4_lua_push_chosen(L, value);
}


static int
ngx_http_aws_sigv4_lua_get_credentials(lua_State *L,
    ngx_http_aws_sigv4_lua_field_t *field)
{
    ngx_http_aws_sigv4_provider_t  *provider;

    static ngx_str_t  none = ngx_null_string;

    provider = ngx_http_aws_sigv4_lua_run(L)->ctx->choice.provider;

    return ngx_http_aws_sigv4_lua_push_chosen(L, provider ? &provider->name
                                                          : &none);
}


/* nil as long as nothing was chosen */

static int
ngx_http_aws_sigv4_lua_push_chosen(lua_State *L, ngx_str_t *value)
{
    if (value->len == 0) {
        lua_pushnil(L);

    } else {
        lua_pushlstring(L, (char *) value->data, value->len);
    }

    return 1;
}


static int
ngx_http_aws_sigv4_lua_get_payload(lua_State *L,
    ngx_http_aws_sigv4_lua_field_t *field)
{
    switch (ngx_http_aws_sigv4_lua_run(L)->ctx->choice.payload) {

    case NGX_HTTP_AWS_SIGV4_PAYLOAD_SIGNED:
        lua_pushliteral(L, "signed");
        break;

    case NGX_HTTP_AWS_SIGV4_PAYLOAD_UNSIGNED:
        lua_pushliteral(L, "unsigned");
        break;

    default:
        lua_pushnil(L);
    }

    return 1;
}


/*
 * Text that is fit for a header: there may be one that the value goes into,
 * and it may come from the client.
 */

void
ngx_http_aws_sigv4_lua_string(lua_State *L, ngx_str_t *value)
{
    size_t  i, len;

    if (lua_type(L, 3) != LUA_TSTRING) {
        luaL_error(L, "\"%s\" takes a string, and this is a %s",
                   lua_tostring(L, 2), luaL_typename(L, 3));
    }

    value->data = (u_char *) lua_tolstring(L, 3, &len);
    value->len = len;

    for (i = 0; i < len; i++) {
        if (value->data[i] < 0x20 || value->data[i] == 0x7f) {
            luaL_error(L, "control character in the value of \"%s\"",
                       lua_tostring(L, 2));
        }
    }
}


void
ngx_http_aws_sigv4_lua_copy(lua_State *L, ngx_str_t *value)
{
    u_char  *p;

    p = ngx_pnalloc(ngx_http_aws_sigv4_lua_run(L)->request->pool,
                    value->len ? value->len : 1);
    if (p == NULL) {
        luaL_error(L, "not enough memory");
    }

    ngx_memcpy(p, value->data, value->len);
    value->data = p;
}


static void
ngx_http_aws_sigv4_lua_value(lua_State *L, ngx_str_t *value)
{
    ngx_http_aws_sigv4_lua_string(L, value);

    if (value->len == 0) {
        luaL_error(L, "the value of \"%s\" is empty", lua_tostring(L, 2));
    }

    if (value->len > NGX_HTTP_AWS_SIGV4_LUA_VALUE) {
        luaL_error(L, "the value of \"%s\" is longer than %d bytes",
                   lua_tostring(L, 2), NGX_HTTP_AWS_SIGV4_LUA_VALUE);
    }

    ngx_http_aws_sigv4_lua_copy(L, value);
}


static void
ngx_http_aws_sigv4_lua_set_choice(lua_State *L,
    ngx_http_aws_sigv4_lua_field_t *field)
{
    char       *choice;
    ngx_str_t   value;

    ngx_http_aws_sigv4_lua_value(L, &value);

    choice = (char *) &ngx_http_aws_sigv4_lua_run(L)->ctx->choice;

    *(ngx_str_t *) (choice + field->offset) = value;
}


static void
ngx_http_aws_sigv4_lua_set_credentials(lua_State *L,
    ngx_http_aws_sigv4_lua_field_t *field)
{
    ngx_str_t                       value;
    ngx_http_aws_sigv4_vm_t        *vm;
    ngx_http_aws_sigv4_provider_t  *provider;

    ngx_http_aws_sigv4_lua_value(L, &value);

    vm = ngx_http_aws_sigv4_lua_vm(L);

    provider = ngx_http_aws_sigv4_provider_find(&vm->conf->store, &value);

    if (provider == NULL) {
        luaL_error(L, "no provider \"%s\" is defined", lua_tostring(L, 3));
    }

    vm->run->ctx->choice.provider = provider;
}


static void
ngx_http_aws_sigv4_lua_set_payload(lua_State *L,
    ngx_http_aws_sigv4_lua_field_t *field)
{
    ngx_str_t                     value;
    ngx_http_aws_sigv4_choice_t  *choice;

    ngx_http_aws_sigv4_lua_string(L, &value);

    choice = &ngx_http_aws_sigv4_lua_run(L)->ctx->choice;

    if (ngx_strcmp(value.data, "signed") == 0) {
        choice->payload = NGX_HTTP_AWS_SIGV4_PAYLOAD_SIGNED;

    } else if (ngx_strcmp(value.data, "unsigned") == 0) {
        choice->payload = NGX_HTTP_AWS_SIGV4_PAYLOAD_UNSIGNED;

    } else {
        luaL_error(L, "\"payload\" is \"signed\" or \"unsigned\"");
    }
}


static int
ngx_http_aws_sigv4_lua_deny(lua_State *L)
{
    size_t                        len;
    ngx_str_t                     message;
    lua_Number                    status;
    ngx_http_aws_sigv4_choice_t  *choice;

    luaL_checktype(L, 1, LUA_TNUMBER);
    status = lua_tonumber(L, 1);

    luaL_argcheck(L, status >= 400 && status < 600
                     && status == (ngx_uint_t) status,
                  1, "a status from 400 to 599 is expected");

    ngx_str_null(&message);

    if (!lua_isnoneornil(L, 2)) {
        luaL_checktype(L, 2, LUA_TSTRING);
        message.data = (u_char *) lua_tolstring(L, 2, &len);
        message.len = len;

        ngx_http_aws_sigv4_lua_copy(L, &message);
    }

    choice = &ngx_http_aws_sigv4_lua_run(L)->ctx->choice;

    choice->deny = (ngx_uint_t) status;
    choice->message = message;

    return ngx_http_aws_sigv4_vm_end(L);
}


static int
ngx_http_aws_sigv4_lua_off(lua_State *L)
{
    ngx_http_aws_sigv4_lua_run(L)->ctx->choice.off = 1;

    return ngx_http_aws_sigv4_vm_end(L);
}
