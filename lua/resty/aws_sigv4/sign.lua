-- Copyright (C) ngx_aws_sigv4_module authors
--
-- SPDX-License-Identifier: BSD-2-Clause

-- Requests that Lua code sends by itself: sign() and presign() of
-- resty.aws_sigv4.


local abi = require "resty.aws_sigv4.abi"
local ffi = require "ffi"
local base = require "resty.core.base"
require "resty.core.phase"

local C = ffi.C
local error = error
local failed = abi.failed
local ffi_copy = ffi.copy
local ffi_new = ffi.new
local get_phase = ngx.get_phase
local get_string = abi.get_string
local new_tab = base.new_tab
local next = next
local now = ngx.now
local sleep = ngx.sleep
local tonumber = tonumber
local tostring = tostring
local type = type
local update_time = ngx.update_time


local _M = { version = "0.1.0" }


local FFI_OK = base.FFI_OK
local FFI_AGAIN = base.FFI_AGAIN

-- seconds: how often it is looked whether credentials have come
local TICK = 0.02

local DEFAULT_TIMEOUT = 3000
local DEFAULT_EXPIRES = 900
local MAX_EXPIRES = 604800


local err_str = abi.err
local payloads = abi.payloads

-- where sign() and presign() can wait for credentials
local waiting = {
    rewrite = true,
    server_rewrite = true,
    access = true,
    content = true,
    timer = true,
    ssl_cert = true,
    ssl_session_fetch = true,
    ssl_client_hello = true,
}

-- The fields that there are, and the type of each; "any" is looked up among
-- the words that there are.

local function with_common(known)
    known.method = "string"
    known.url = "string"
    known.headers = "table"
    known.body = "string"
    known.region = "string"
    known.service = "string"
    known.credentials = "string"
    known.signed_headers = "table"
    known.normalize_path = "boolean"
    known.double_encode = "boolean"
    known.timeout = "number"

    return known
end


local presign_fields = with_common {
    expires = "number",
}

local sign_fields = with_common {
    payload = "any",
    payload_hash = "string",
    content_sha256 = "boolean",
}

local no_headers = {}

local request = ffi_new("ngx_http_aws_sigv4_ffi_request_t")
local max_fields = 32
local fields = ffi_new("ngx_http_aws_sigv4_ffi_field_t[?]", max_fields)
local FIELD_SIZE = ffi.sizeof("ngx_http_aws_sigv4_ffi_field_t")


local function fail_type(name, expected, got)
    error("bad " .. name .. " (" .. expected .. " expected, got " .. type(got)
          .. ")", 4)
end


local function check_fields(t, known)
    if type(t) ~= "table" then
        fail_type("argument #1", "table", t)
    end

    for name, value in next, t do
        local expected = known[name]

        if not expected then
            error("unknown field '" .. tostring(name) .. "'", 3)
        end

        if type(value) ~= expected and expected ~= "any" then
            fail_type(name, expected, value)
        end
    end

    if t.url == nil then
        fail_type("url", "string", nil)
    end
end


local function field_string(value)
    if type(value) == "string" then
        return value
    end

    if type(value) == "number" then
        return tostring(value)
    end

    error("bad header (string or number expected, got " .. type(value) .. ")",
          5)
end


local function add_field(n, name, value)
    if n == max_fields then
        local more = ffi_new("ngx_http_aws_sigv4_ffi_field_t[?]",
                             2 * max_fields)

        ffi_copy(more, fields, max_fields * FIELD_SIZE)
        fields = more
        max_fields = 2 * max_fields
    end

    local field = fields[n]

    field.name.data = name
    field.name.len = #name
    field.value.data = value
    field.value.len = #value

    return n + 1
end


-- The headers of the caller, as they are sent: numbers have become strings,
-- which lie in the table as long as C looks at them.

local function copy_headers(headers)
    local out = new_tab(0, 8)

    for name, value in next, headers do
        if type(name) ~= "string" then
            error("bad header name (string expected, got " .. type(name)
                  .. ")", 4)
        end

        if type(value) == "table" then
            local list = new_tab(#value, 0)

            for i = 1, #value do
                list[i] = field_string(value[i])
            end

            out[name] = list

        else
            out[name] = field_string(value)
        end
    end

    return out
end


local function put_headers(headers)
    local n = 0

    for name, value in next, headers do
        if type(value) == "table" then
            for i = 1, #value do
                n = add_field(n, name, value[i])
            end

        else
            n = add_field(n, name, value)
        end
    end

    request.fields = fields
    request.nfields = n
end


local function put_value(str, value)
    str.data = value
    str.len = value and #value or 0
end


local function tristate(value)
    if value == nil then
        return -1
    end

    return value and 1 or 0
end


local function put_signed_headers(list)
    local n = list and #list or 0

    request.nsigned = n

    if n == 0 then
        return nil
    end

    local names = ffi_new("ngx_http_aws_sigv4_ffi_str_t[?]", n)

    for i = 1, n do
        if type(list[i]) ~= "string" then
            error("bad signed_headers (strings expected)", 5)
        end

        names[i - 1].data = list[i]
        names[i - 1].len = #list[i]
    end

    request.signed_headers = names

    return names
end


-- what is left of the timeout is in milliseconds

local function attempt(t, headers, expires, timeout)
    put_value(request.method, t.method or "GET")
    put_value(request.url, t.url)
    put_value(request.body, t.body)
    put_value(request.payload_hash, t.payload_hash)
    put_value(request.region, t.region)
    put_value(request.service, t.service)
    put_value(request.credentials, t.credentials or "default")

    put_headers(headers)

    request.payload = payloads[t.payload] or 0
    request.content_sha256 = t.content_sha256 == false and 0 or 1
    request.normalize_path = tristate(t.normalize_path)
    request.double_encode = tristate(t.double_encode)
    request.expires = expires
    request.timeout = timeout

    -- held until C has looked at them
    local names = put_signed_headers(t.signed_headers)
    local rc = C.ngx_http_aws_sigv4_ffi_sign(request, err_str)

    return rc, names
end


-- NGX_OK, or nil and why not; waits where the phase can

local function sign(t, headers, expires)
    local phase = get_phase()

    if phase == "init" then
        error("API disabled in the context of init_by_lua*", 3)
    end

    local timeout = waiting[phase] and (t.timeout or DEFAULT_TIMEOUT) or 0
    local rc = attempt(t, headers, expires, timeout)

    if rc == FFI_AGAIN then
        local deadline = now() + timeout / 1000

        repeat
            sleep(TICK)
            update_time()

            local left = (deadline - now()) * 1000
            rc = attempt(t, headers, expires, left > 1 and left or 0)
        until rc ~= FFI_AGAIN
    end

    if rc ~= FFI_OK then
        return failed()
    end

    return true
end


-- The headers to send, and the URL: it is the one that was given unless its
-- encoding had to be repaired.

function _M.sign(t)
    check_fields(t, sign_fields)

    if t.payload ~= nil and not payloads[t.payload] then
        error("bad payload ('signed' or 'unsigned' expected)", 2)
    end

    local headers = copy_headers(t.headers or no_headers)
    local ok, err = sign(t, headers, -1)

    if not ok then
        return nil, err
    end

    for i = 0, tonumber(request.nfields) - 1 do
        if fields[i].drop ~= 0 then
            headers[get_string(fields[i].name)] = nil
        end
    end

    headers["Host"] = get_string(request.host)
    headers["X-Amz-Date"] = get_string(request.datetime)
    headers["X-Amz-Content-Sha256"] = get_string(request.sha256)
    headers["X-Amz-Security-Token"] = get_string(request.token)
    headers["Authorization"] = get_string(request.authorization)

    local url = get_string(request.url)

    C.ngx_http_aws_sigv4_ffi_release()

    return headers, url
end


function _M.presign(t)
    check_fields(t, presign_fields)

    local expires = t.expires or DEFAULT_EXPIRES

    -- AWS IoT wants none
    if t.expires == nil and t.service == "iotdevicegateway" then
        expires = 0

    elseif expires < 1 or expires > MAX_EXPIRES or expires % 1 ~= 0 then
        error("bad expires (1 to 604800 seconds expected)", 2)
    end

    local headers = copy_headers(t.headers or no_headers)
    local ok, err = sign(t, headers, expires)

    if not ok then
        return nil, err
    end

    local url = get_string(request.url)

    C.ngx_http_aws_sigv4_ffi_release()

    return url
end


return _M
