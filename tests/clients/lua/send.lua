-- Copyright: (c) mailops.smtp contributors
-- GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
-- SPDX-License-Identifier: GPL-3.0-or-later
-- Sends one message with LuaSocket's smtp. send.lua HOST PORT MODE CA_FILE SECONDS USER PASSWORD
-- It knows no STARTTLS; TLS from the first byte comes from LuaSec, as most programs wrap it.
local host, port, mode, ca_file, seconds, user, password = table.unpack(arg)
local smtp = require("socket.smtp")
local socket = require("socket")
socket.TIMEOUT = tonumber(seconds)
smtp.TIMEOUT = tonumber(seconds)

local function with_tls()
    local ssl = require("ssl")
    local raw = socket.try(socket.tcp())
    return setmetatable({
        connect = function(_, name, number)
            raw:settimeout(tonumber(seconds))
            socket.try(raw:connect(name, number))
            local parameters = { mode = "client", protocol = "any", cafile = ca_file, verify = "peer", options = "all" }
            raw = socket.try(ssl.wrap(raw, parameters))
            raw:sni(name)
            socket.try(raw:dohandshake())
            return 1
        end,
    }, { __index = function(_, key) return function(_, ...) return raw[key](raw, ...) end end })
end

local message = smtp.message({ headers = { from = "a@example.com", to = "b@example.org", subject = "test" }, body = "test" })
local sent, why = smtp.send({
    from = "<a@example.com>", rcpt = "<b@example.org>", source = message, server = host, port = port,
    user = user ~= "" and user or nil, password = user ~= "" and password or nil,
    create = mode == "implicit" and with_tls or nil,
})
if not sent then
    io.stderr:write(os.date("%Y-%m-%d %H:%M:%S"), " [error] mail: could not send: ", tostring(why), "\n")
end
