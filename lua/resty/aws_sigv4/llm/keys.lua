-- Copyright (C) ngx_aws_sigv4_module authors
--
-- SPDX-License-Identifier: BSD-2-Clause

-- The API keys of targets, each in a file of its own.
--
--     key, err = keys.read(path)
--         the content without the white space around it.  It is looked at
--         again after five seconds; where that fails, the key that was read
--         last stays in use.  Call it from init_by_lua for files that only
--         root can read: these are then read once, until nginx is reloaded.
--
-- No key is in any error or log line.


local file = require "resty.aws_sigv4.llm.file"


local ngx = ngx
local find = string.find
local match = string.match


local MAX_SIZE = 8192
local INTERVAL = 5


local _M = { version = "0.1.0" }


-- path → { key =, looked =, complaint = }
local cache = {}


local function read(path)
    local text, err = file.read(path, MAX_SIZE)
    if not text then
        return nil, err
    end

    local key = match(text, "^%s*(.-)%s*$")

    if key == "" then
        return nil, path .. ": no key is in it"
    end

    if find(key, "%c") then
        return nil, path .. ": more than one line, or control characters"
    end

    return key
end


-- that a worker may not read what root has read is no mistake

local function complain(entry, err)
    if err ~= entry.complaint and not find(err, ": Permission denied", 1, true)
    then
        entry.complaint = err
        ngx.log(ngx.ERR, "llm: key ", err, ", the old one stays")
    end
end


function _M.read(path)
    local now = ngx.now()
    local entry = cache[path]

    -- a clock that was set back must not stop it
    if entry and now >= entry.looked and now - entry.looked < INTERVAL then
        return entry.key
    end

    local key, err = read(path)

    if not entry then
        if not key then
            return nil, err
        end

        entry = {}
        cache[path] = entry
    end

    entry.looked = now

    if key then
        entry.key = key
        entry.complaint = nil

    else
        complain(entry, err)
    end

    return entry.key
end


return _M
