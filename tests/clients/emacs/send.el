;; Copyright: (c) mailops.smtp contributors
;; GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
;; SPDX-License-Identifier: GPL-3.0-or-later
;; Sends one message with Emacs' smtpmail. emacs --batch --load send.el HOST PORT MODE CA_FILE SECONDS USER PASSWORD
(require 'smtpmail)
(require 'network-stream)
(require 'gnutls)
(let* ((given command-line-args-left) (user (nth 5 given)))
  (setq command-line-args-left nil
        smtpmail-smtp-server (nth 0 given)
        smtpmail-smtp-service (string-to-number (nth 1 given))
        smtpmail-stream-type (cdr (assoc (nth 2 given) '(("implicit" . tls) ("starttls" . starttls) ("cleartext" . plain))))
        gnutls-trustfiles (list (nth 3 given))
        gnutls-verify-error t
        network-security-level 'high
        backtrace-on-error-noninteractive nil
        nsm-noninteractive t
        auth-sources (list (expand-file-name "authinfo" (getenv "HOME")))
        user-mail-address "a@example.com"
        send-mail-function 'smtpmail-send-it)
  (make-directory user-emacs-directory t)
  (unless (string= user "")
    (setq smtpmail-smtp-user user)
    (write-region (format "machine %s port %s login %s password %s\n" (nth 0 given) (nth 1 given) user (nth 6 given))
                  nil (car auth-sources)))
  (with-temp-buffer
    (insert "From: a@example.com\nTo: b@example.org\nSubject: test\n" mail-header-separator "\ntest\n")
    (mail-send)))
