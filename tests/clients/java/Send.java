// Copyright: (c) mailops.smtp contributors
// GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// Sends one message with one of several Java libraries, and logs the exception with SLF4J.
// Send LIBRARY HOST PORT MODE CA_FILE SECONDS USER PASSWORD
import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import io.vertx.core.Vertx;
import io.vertx.core.net.PemTrustOptions;
import io.vertx.ext.mail.LoginOption;
import io.vertx.ext.mail.MailClient;
import io.vertx.ext.mail.MailConfig;
import io.vertx.ext.mail.MailMessage;
import io.vertx.ext.mail.StartTLSOptions;
import jakarta.mail.Authenticator;
import jakarta.mail.Message;
import jakarta.mail.PasswordAuthentication;
import jakarta.mail.Session;
import jakarta.mail.Transport;
import jakarta.mail.internet.InternetAddress;
import jakarta.mail.internet.MimeMessage;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.util.Properties;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.apache.commons.mail2.jakarta.SimpleEmail;
import org.apache.commons.net.smtp.AuthenticatingSMTPClient;
import org.apache.commons.net.smtp.SMTPReply;
import org.simplejavamail.api.mailer.config.TransportStrategy;
import org.simplejavamail.email.EmailBuilder;
import org.simplejavamail.mailer.MailerBuilder;
import org.slf4j.LoggerFactory;
import org.springframework.mail.SimpleMailMessage;
import org.springframework.mail.javamail.JavaMailSenderImpl;

public class Send {
    static String host, mode, user, password;
    static int port, milliseconds;

    public static void main(String[] given) throws Exception {
        host = given[1];
        port = Integer.parseInt(given[2]);
        mode = given[3];
        trust(given[4]);
        milliseconds = (int) (1000 * Double.parseDouble(given[5]));
        user = given[6];
        password = given[7];
        try {
            switch (given[0]) {
                case "angus" -> withAngus();
                case "spring" -> withSpring();
                case "simple" -> withSimpleJavaMail();
                case "vertx" -> withVertx(given[4]);
                case "net" -> withCommonsNet();
                default -> withCommons();
            }
        } catch (Exception error) {
            LoggerFactory.getLogger("com.example.mail.MailService").error("Failed to send email", error);
        }
        System.exit(0);
    }

    static void trust(String file) throws Exception {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        try (InputStream stream = Files.newInputStream(Path.of(file))) {
            int number = 0;
            for (Certificate certificate : CertificateFactory.getInstance("X.509").generateCertificates(stream)) {
                store.setCertificateEntry("ca" + number++, certificate);
            }
        }
        TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        factory.init(store);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, factory.getTrustManagers(), null);
        SSLContext.setDefault(context);
    }

    static Properties properties() {
        Properties properties = new Properties();
        properties.put("mail.smtp.host", host);
        properties.put("mail.smtp.port", String.valueOf(port));
        properties.put("mail.smtp.auth", String.valueOf(!user.isEmpty()));
        properties.put("mail.smtp.ssl.enable", String.valueOf(mode.equals("implicit")));
        properties.put("mail.smtp.starttls.enable", String.valueOf(mode.equals("starttls")));
        properties.put("mail.smtp.starttls.required", String.valueOf(mode.equals("starttls")));
        properties.put("mail.smtp.ssl.checkserveridentity", "true");
        properties.put("mail.smtp.connectiontimeout", String.valueOf(milliseconds));
        properties.put("mail.smtp.timeout", String.valueOf(milliseconds));
        return properties;
    }

    static void withAngus() throws Exception {
        Session session = Session.getInstance(properties(), new Authenticator() {
            @Override
            protected PasswordAuthentication getPasswordAuthentication() {
                return new PasswordAuthentication(user, password);
            }
        });
        MimeMessage message = new MimeMessage(session);
        message.setFrom(new InternetAddress("a@example.com"));
        message.setRecipients(Message.RecipientType.TO, "b@example.org");
        message.setSubject("test");
        message.setText("test");
        Transport.send(message);
    }

    static void withSpring() {
        JavaMailSenderImpl sender = new JavaMailSenderImpl();
        sender.setHost(host);
        sender.setPort(port);
        sender.setJavaMailProperties(properties());
        if (!user.isEmpty()) {
            sender.setUsername(user);
            sender.setPassword(password);
        }
        SimpleMailMessage message = new SimpleMailMessage();
        message.setFrom("a@example.com");
        message.setTo("b@example.org");
        message.setSubject("test");
        message.setText("test");
        sender.send(message);
    }

    static void withSimpleJavaMail() {
        TransportStrategy strategy = switch (mode) {
            case "implicit" -> TransportStrategy.SMTPS;
            case "starttls" -> TransportStrategy.SMTP_TLS;
            default -> TransportStrategy.SMTP;
        };
        var builder = MailerBuilder.withSMTPServer(host, port, user.isEmpty() ? null : user, user.isEmpty() ? null : password);
        var mailer = builder.withTransportStrategy(strategy).withSessionTimeout(milliseconds).verifyingServerIdentity(true).buildMailer();
        mailer.sendMail(EmailBuilder.startingBlank().from("a@example.com").to("b@example.org").withSubject("test").withPlainText("test").buildEmail());
    }

    // What Quarkus' mailer sends with.
    static void withVertx(String caFile) throws Exception {
        ((Logger) LoggerFactory.getLogger(Logger.ROOT_LOGGER_NAME)).setLevel(Level.INFO);
        MailConfig config = new MailConfig(host, port).setSsl(mode.equals("implicit")).setConnectTimeout(milliseconds);
        config.setIdleTimeout(milliseconds).setIdleTimeoutUnit(TimeUnit.MILLISECONDS);
        config.setStarttls(mode.equals("starttls") ? StartTLSOptions.REQUIRED : StartTLSOptions.DISABLED);
        config.setHostnameVerificationAlgorithm("HTTPS").setPemTrustOptions(new PemTrustOptions().addCertPath(caFile));
        config.setLogin(user.isEmpty() ? LoginOption.NONE : LoginOption.REQUIRED).setUsername(user).setPassword(password);
        MailMessage message = new MailMessage("a@example.com", "b@example.org", "test", "test");
        // Its exceptions are no Exception.
        try {
            var sent = MailClient.create(Vertx.vertx(), config).sendMail(message).toCompletionStage().toCompletableFuture();
            sent.get(8, TimeUnit.SECONDS);
        } catch (java.util.concurrent.ExecutionException error) {
            LoggerFactory.getLogger("com.example.mail.MailService").error("Failed to send email", error.getCause());
        }
    }

    // It has replies and no exceptions for them; programs print the reply.
    static void withCommonsNet() throws Exception {
        AuthenticatingSMTPClient client = new AuthenticatingSMTPClient(mode.equals("implicit"), SSLContext.getDefault());
        client.setEndpointCheckingEnabled(true);
        client.setConnectTimeout(milliseconds);
        client.setDefaultTimeout(milliseconds);
        client.connect(host, port);
        boolean well = SMTPReply.isPositiveCompletion(client.getReplyCode()) && client.elogin("app.example.com");
        well = well && (!mode.equals("starttls") || client.execTLS() && client.elogin("app.example.com"));
        var plain = AuthenticatingSMTPClient.AUTH_METHOD.PLAIN;
        well = well && (user.isEmpty() || client.auth(plain, user, password));
        if (!well || !client.sendSimpleMessage("a@example.com", "b@example.org", "Subject: test\r\n\r\ntest")) {
            LoggerFactory.getLogger("com.example.mail.MailService").error("SMTP server refused: {}", client.getReplyString());
        }
    }

    static void withCommons() throws Exception {
        SimpleEmail email = new SimpleEmail();
        email.setHostName(host);
        email.setSmtpPort(port);
        email.setSslSmtpPort(String.valueOf(port));
        email.setSSLOnConnect(mode.equals("implicit"));
        email.setStartTLSRequired(mode.equals("starttls"));
        email.setSSLCheckServerIdentity(true);
        email.setSocketConnectionTimeout(java.time.Duration.ofMillis(milliseconds));
        email.setSocketTimeout(java.time.Duration.ofMillis(milliseconds));
        if (!user.isEmpty()) {
            email.setAuthentication(user, password);
        }
        email.setFrom("a@example.com");
        email.addTo("b@example.org");
        email.setSubject("test");
        email.setMsg("test");
        email.send();
    }
}
