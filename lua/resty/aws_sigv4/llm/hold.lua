-- Copyright (C) ngx_aws_sigv4_module authors
--
-- SPDX-License-Identifier: BSD-2-Clause

-- The head of an answer waits for its body, so that the status can follow
-- from it: for the first frame of an event stream, and for the end of JSON,
-- as long as they are not longer than ngx_http_aws_sigv4_hold.c allows.
--
--     hold.ask(s)               in the access phase of an attempt
--     bytes, ended = hold.get()
--         in the header filter: what has come, and whether that is all; nil
--         where nothing was waited for


local base = require "resty.core.base"
local ffi = require "ffi"


local C = ffi.C
local ffi_str = ffi.string
local get_request = base.get_request
local get_string_buf = base.get_string_buf
local get_string_buf_size = base.get_string_buf_size
local tonumber = tonumber


ffi.cdef [[
int ngx_http_aws_sigv4_ffi_hold(ngx_http_request_t *r);
intptr_t ngx_http_aws_sigv4_ffi_held(ngx_http_request_t *r,
    char *p, size_t size, int *ended);
]]


local _M = { version = "0.1.0" }


local flag = ffi.new("int[1]")


-- Answers of Bedrock's own API are what its clients expect as they are.

function _M.ask(s)
    if s.dialect ~= "bedrock" then
        C.ngx_http_aws_sigv4_ffi_hold(get_request())
    end
end


function _M.get()
    local r = get_request()
    local room = get_string_buf_size()
    local p = get_string_buf(room)
    local size = tonumber(C.ngx_http_aws_sigv4_ffi_held(r, p, room, flag))

    if size < 0 then
        return nil
    end

    if size > room then
        p = get_string_buf(size)
        C.ngx_http_aws_sigv4_ffi_held(r, p, size, flag)
    end

    return ffi_str(p, size), flag[0] ~= 0
end


return _M
