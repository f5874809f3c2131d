-- Copyright (C) ngx_aws_sigv4_module authors
--
-- SPDX-License-Identifier: BSD-2-Clause

-- What nginx knows of the upstream that was asked last: its variables have a
-- value for each.
--
--     status = upstream.status()     a number, or nil
--     upstream.is_connected()
--     upstream.was_asked()           whether a request went to any
--     upstream.has_head()            of an answer
--     upstream.has_ended()           there is nothing to come


local ngx = ngx
local match = string.match
local tonumber = tonumber


local _M = { version = "0.1.0" }


local function last_of(value)
    return value and match(value, "([%d.%-]+)%s*$")
end


function _M.status()
    return tonumber(last_of(ngx.var.upstream_status))
end


function _M.is_connected()
    return last_of(ngx.var.upstream_connect_time) ~= "-"
end


function _M.was_asked()
    return tonumber(last_of(ngx.var.upstream_connect_time)) ~= nil
end


function _M.has_head()
    return last_of(ngx.var.upstream_header_time) ~= "-"
end


function _M.has_ended()
    return last_of(ngx.var.upstream_response_time) ~= "-"
end


return _M
