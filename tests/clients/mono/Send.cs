// Copyright: (c) mailops.smtp contributors
// GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// Sends one message with System.Net.Mail and prints the exception.
// send HOST PORT MODE CA_FILE SECONDS USER PASSWORD
using System;
using System.Net;
using System.Net.Mail;

static class Program {
    static void Main(string[] given) {
        var client = new SmtpClient(given[0], int.Parse(given[1])) { Timeout = (int) (1000 * double.Parse(given[4])), EnableSsl = given[2] != "cleartext" };
        if (given[5] != "") client.Credentials = new NetworkCredential(given[5], given[6]);
        try {
            client.Send("a@example.com", "b@example.org", "test", "test");
        } catch (Exception error) {
            Console.Error.WriteLine("fail: App.Notifications.EmailProvider[0]\n      Exception when attempting to send email\n      " + error.ToString().Replace("\n", "\n      "));
        }
    }
}
