-- Copyright (C) ngx_aws_sigv4_module authors
--
-- SPDX-License-Identifier: BSD-2-Clause

-- What the library and the module in C have in common: the structures, which
-- are those of one version, so that no other will load, and strings as they go
-- to C and come back.
--
--     text = abi.get_string(str)         nil where there is none
--     abi.put_string(str, value, name)   nil, or a string, else an error
--     nil, err = abi.failed()            what C has written to abi.err
--     abi.payloads                       name → number, and abi.payload_names


local ffi = require "ffi"
require "resty.core.base"

local C = ffi.C
local error = error
local ffi_new = ffi.new
local ffi_str = ffi.string
local pcall = pcall
local type = type


local _M = { version = "0.1.0" }


ffi.cdef [[
    typedef struct {
        size_t                          len;
        const unsigned char            *data;
    } ngx_http_aws_sigv4_ffi_str_t;

    typedef struct {
        ngx_http_aws_sigv4_ffi_str_t    region;
        ngx_http_aws_sigv4_ffi_str_t    service;
        ngx_http_aws_sigv4_ffi_str_t    host;
        ngx_http_aws_sigv4_ffi_str_t    credentials;
        int                             payload;
        int                             begun;
    } ngx_http_aws_sigv4_ffi_choice_t;

    typedef struct {
        ngx_http_aws_sigv4_ffi_str_t    name;
        ngx_http_aws_sigv4_ffi_str_t    source;
        ngx_http_aws_sigv4_ffi_str_t    error;
        int64_t                         expires;
        uint64_t                        fetches;
        uint64_t                        failures;
        int                             available;
    } ngx_http_aws_sigv4_ffi_provider_t;

    typedef struct {
        ngx_http_aws_sigv4_ffi_str_t    name;
        ngx_http_aws_sigv4_ffi_str_t    value;
        int                             drop;
    } ngx_http_aws_sigv4_ffi_field_t;

    typedef struct {
        ngx_http_aws_sigv4_ffi_str_t    method;
        ngx_http_aws_sigv4_ffi_str_t    url;
        ngx_http_aws_sigv4_ffi_str_t    body;
        ngx_http_aws_sigv4_ffi_str_t    payload_hash;
        ngx_http_aws_sigv4_ffi_str_t    region;
        ngx_http_aws_sigv4_ffi_str_t    service;
        ngx_http_aws_sigv4_ffi_str_t    credentials;
        ngx_http_aws_sigv4_ffi_field_t *fields;
        size_t                          nfields;
        ngx_http_aws_sigv4_ffi_str_t   *signed_headers;
        size_t                          nsigned;
        int                             payload;
        int                             content_sha256;
        int                             normalize_path;
        int                             double_encode;
        int                             expires;
        int                             timeout;

        ngx_http_aws_sigv4_ffi_str_t    host;
        ngx_http_aws_sigv4_ffi_str_t    datetime;
        ngx_http_aws_sigv4_ffi_str_t    sha256;
        ngx_http_aws_sigv4_ffi_str_t    token;
        ngx_http_aws_sigv4_ffi_str_t    authorization;
    } ngx_http_aws_sigv4_ffi_request_t;

    const char *ngx_http_aws_sigv4_ffi_version(void);

    int ngx_http_aws_sigv4_ffi_set(ngx_http_request_t *r,
        const ngx_http_aws_sigv4_ffi_choice_t *choice,
        ngx_http_aws_sigv4_ffi_str_t *err);
    int ngx_http_aws_sigv4_ffi_get(ngx_http_request_t *r,
        ngx_http_aws_sigv4_ffi_choice_t *choice);
    int ngx_http_aws_sigv4_ffi_off(ngx_http_request_t *r,
        ngx_http_aws_sigv4_ffi_str_t *err);

    int ngx_http_aws_sigv4_ffi_sign(ngx_http_aws_sigv4_ffi_request_t *request,
        ngx_http_aws_sigv4_ffi_str_t *err);
    void ngx_http_aws_sigv4_ffi_release(void);

    int ngx_http_aws_sigv4_ffi_provider(unsigned int n,
        ngx_http_aws_sigv4_ffi_provider_t *provider);
]]


local function module_version()
    return ffi_str(C.ngx_http_aws_sigv4_ffi_version())
end


-- the structures above are those of one version of the module

do
    local ok, version = pcall(module_version)

    if not ok then
        error("resty.aws_sigv4 needs ngx_http_aws_sigv4_module in nginx: "
              .. "load_module modules/ngx_http_aws_sigv4_module.so;")
    end

    if version ~= _M.version then
        error("resty.aws_sigv4 " .. _M.version .. " needs "
              .. "ngx_http_aws_sigv4_module " .. _M.version
              .. ", and version " .. version .. " is loaded")
    end
end


local err = ffi_new("ngx_http_aws_sigv4_ffi_str_t")

local payloads = { signed = 1, unsigned = 2 }
local payload_names = { "signed", "unsigned" }


function _M.get_string(str)
    if str.len == 0 then
        return nil
    end

    return ffi_str(str.data, str.len)
end


function _M.failed()
    return nil, ffi_str(err.data, err.len)
end


-- C sees the bytes of the string as long as the caller of this holds it.
-- An error is that of the caller of the library, which is two frames up: a
-- tail call leaves none.

function _M.put_string(str, value, name)
    if value == nil then
        str.data = nil
        str.len = 0
        return
    end

    if type(value) ~= "string" then
        error("bad " .. name .. " (string expected, got " .. type(value)
              .. ")", 3)
    end

    str.data = value
    str.len = #value
end


_M.err = err
_M.payloads = payloads
_M.payload_names = payload_names


return _M
