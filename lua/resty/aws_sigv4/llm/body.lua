-- Copyright (C) ngx_aws_sigv4_module authors
--
-- SPDX-License-Identifier: BSD-2-Clause

-- The JSON body of the request: where its top-level members lie, and edits
-- that leave every other byte as it is, in memory or in the file that nginx
-- spooled it to.  It must have been read.  Offsets begin with 0, "to" is the
-- first one behind, and all are those of the body as it was received, also
-- after it was edited.
--
--     members, err, code = body.members(names)
--         name → { type, from, to, key_from, key_to, before, after }, where
--         before and after are the offsets of the commas beside it, if any;
--         members[0] is the whole: { from, to, count }.  err is "not_json",
--         "not_object", "duplicate" (one of the names stands twice),
--         "too_deep" (512 levels), "not_read" or "failed".
--     text, err = body.slice(from, to)
--         at most 64 KB, else "too_long"
--     text, err = body.string(member)
--         decoded; "not_string", "too_long", or "invalid" where it has
--         escapes that are no character
--     ok, err = body.edit(edits)
--         edits are { from, to, text }; of two at one place the first comes
--         first.  body.edit({}) restores what was received.
--     edit = body.remove(members, name)
--         removes the member with its comma; nil where there is none.  Only
--         edit() knows which comma goes if neighbours are removed too.
--     edit = body.insert(members, name, json)
--         a new first member
--
-- A location that does not sign needs "proxy_next_upstream off": nginx does
-- not find the parts of a file again that follow what was edited.

local base = require "resty.core.base"
local cjson = require "cjson.safe"
local ffi = require "ffi"


local C = ffi.C
local concat = table.concat
local error = error
local ffi_new = ffi.new
local ffi_string = ffi.string
local get_phase = ngx.get_phase
local get_request = base.get_request
local ipairs = ipairs
local sort = table.sort
local tonumber = tonumber
local type = type


ffi.cdef [[
    typedef struct {
        size_t       len;
        const char  *data;
    } sigv4_body_str_t;

    typedef struct {
        int64_t      key_from;
        int64_t      key_to;
        int64_t      from;
        int64_t      to;
        int64_t      before;
        int64_t      after;
        int32_t      type;
    } sigv4_body_member_t;

    typedef struct {
        int64_t      from;
        int64_t      to;
        int64_t      count;
    } sigv4_body_object_t;

    typedef struct {
        int64_t      from;
        int64_t      to;
        size_t       len;
        const char  *text;
    } sigv4_body_edit_t;

    int ngx_http_aws_sigv4_ffi_body_members(void *r,
        const sigv4_body_str_t *names, size_t n,
        sigv4_body_member_t *members, sigv4_body_object_t *object);
    int ngx_http_aws_sigv4_ffi_body_slice(void *r, int64_t from, int64_t to,
        unsigned char *p);
    int ngx_http_aws_sigv4_ffi_body_edit(void *r,
        const sigv4_body_edit_t *edits, size_t n);
]]


local MAX_NAMES = 16
local MAX_EDITS = 64
local MAX_SLICE = 65536

local TYPES = { "string", "number", "true", "false", "null", "object",
                "array" }

local ERRORS = {
    [-10] = "not_json",
    [-11] = "not_object",
    [-12] = "duplicate",
    [-13] = "too_deep",
    [-20] = "not_read",
    [-21] = "range",
}

-- where an edit may no longer reach what is sent
local PHASES = { rewrite = true, access = true, content = true }


local c_names = ffi_new("sigv4_body_str_t[?]", MAX_NAMES)
local c_members = ffi_new("sigv4_body_member_t[?]", MAX_NAMES)
local c_object = ffi_new("sigv4_body_object_t")
local c_edits = ffi_new("sigv4_body_edit_t[?]", MAX_EDITS)
local c_slice = ffi_new("unsigned char[?]", MAX_SLICE)


local _M = { version = "0.1.0" }


local function request()
    local r = get_request()
    if not r then
        error("no request found", 3)
    end

    return r
end


local function failure(rc)
    return ERRORS[rc] or "failed"
end


local function offset(value)
    if value >= 0 then
        return tonumber(value)
    end
end


function _M.members(names)
    local r = request()
    local n = #names

    if n > MAX_NAMES then
        error("at most 16 names", 2)
    end

    for i = 1, n do
        c_names[i - 1].data = names[i]
        c_names[i - 1].len = #names[i]
    end

    local rc = C.ngx_http_aws_sigv4_ffi_body_members(r, c_names, n,
                                                     c_members, c_object)
    if rc ~= 0 then
        local err = failure(rc)
        local bad = rc <= -10 and rc >= -13

        return nil, err, bad and "invalid_json" or "internal_error"
    end

    local members = {
        [0] = {
            from = tonumber(c_object.from),
            to = tonumber(c_object.to),
            count = tonumber(c_object.count),
        }
    }

    for i = 1, n do
        local m = c_members[i - 1]

        if m.type ~= 0 then
            members[names[i]] = {
                type = TYPES[m.type],
                from = tonumber(m.from),
                to = tonumber(m.to),
                key_from = tonumber(m.key_from),
                key_to = tonumber(m.key_to),
                before = offset(m.before),
                after = offset(m.after),
            }
        end
    end

    return members
end


function _M.slice(from, to)
    local r = request()
    local size = to - from

    if size > MAX_SLICE then
        return nil, "too_long"
    end

    if size < 0 then
        return nil, "range"
    end

    local rc = C.ngx_http_aws_sigv4_ffi_body_slice(r, from, to, c_slice)
    if rc ~= 0 then
        return nil, failure(rc)
    end

    return ffi_string(c_slice, size)
end


function _M.string(member)
    if member.type ~= "string" then
        return nil, "not_string"
    end

    local text, err = _M.slice(member.from, member.to)
    if not text then
        return nil, err
    end

    local decoded = cjson.decode("[" .. text .. "]")
    if not decoded then
        return nil, "invalid"
    end

    return decoded[1]
end


function _M.remove(members, name)
    local member = members[name]

    if member then
        return { member.key_from, member.to, "", removed = member,
                 object = members[0] }
    end
end


function _M.insert(members, name, json)
    local object = members[0]
    local at = object.from + 1

    return { at, at, cjson.encode(name) .. ":" .. json, inserted = true,
             object = object }
end


local function by_key(a, b)
    return a.key_from < b.key_from
end


-- neighbours that go together are one edit: the comma before the first of
-- them goes, or, where there is none, the one after the last

local function remove_runs(removed, list)
    sort(removed, by_key)

    local i = 1
    while i <= #removed do
        local first, last = removed[i], removed[i]

        while removed[i + 1] and removed[i + 1].before == last.after
              and last.after
        do
            i = i + 1
            last = removed[i]
        end

        if first.before then
            list[#list + 1] = { first.before, last.to, "" }

        elseif last.after then
            list[#list + 1] = { first.key_from, last.after + 1, "" }

        else
            list[#list + 1] = { first.key_from, last.to, "" }
        end

        i = i + 1
    end
end


local function in_order(a, b)
    if a[1] ~= b[1] then
        return a[1] < b[1]
    end

    if a[2] ~= b[2] then
        return a[2] < b[2]
    end

    return a.order < b.order
end


local function resolve(edits)
    local list, removed, inserted, object = {}, {}, {}, nil

    for _, edit in ipairs(edits) do
        object = edit.object or object

        if edit.removed then
            removed[#removed + 1] = edit.removed

        elseif edit.inserted then
            inserted[#inserted + 1] = edit[3]

        else
            list[#list + 1] = { edit[1], edit[2], edit[3] }
        end
    end

    remove_runs(removed, list)

    if #inserted > 0 then
        local text = concat(inserted, ",")
        if object.count > #removed then
            text = text .. ","
        end

        list[#list + 1] = { object.from + 1, object.from + 1, text }
    end

    for i, edit in ipairs(list) do
        edit.order = i
    end

    sort(list, in_order)

    return list
end


function _M.edit(edits)
    local r = request()

    if not PHASES[get_phase()] then
        error("API disabled in the context of " .. get_phase(), 2)
    end

    local list = resolve(edits)

    if #list > MAX_EDITS then
        error("at most 64 edits", 2)
    end

    for i, edit in ipairs(list) do
        local text = edit[3]

        if type(text) ~= "string" then
            error("the text of an edit is a string", 2)
        end

        c_edits[i - 1].from = edit[1]
        c_edits[i - 1].to = edit[2]
        c_edits[i - 1].text = text
        c_edits[i - 1].len = #text
    end

    local rc = C.ngx_http_aws_sigv4_ffi_body_edit(r, c_edits, #list)
    if rc ~= 0 then
        return nil, failure(rc)
    end

    return true
end


return _M
