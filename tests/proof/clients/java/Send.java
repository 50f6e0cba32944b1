// Copyright: (c) mailops.smtp contributors
// GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Sends with the mail client of Java apps, Jakarta Mail: Spring Boot reads its file or its variables itself, Keycloak and
// Jenkins have their settings handed to the client as these apps do it. Takes jobs as one JSON array on standard input, and
// prints one line of JSON for each.
import jakarta.mail.Authenticator;
import jakarta.mail.Message;
import jakarta.mail.PasswordAuthentication;
import jakarta.mail.Session;
import jakarta.mail.Transport;
import jakarta.mail.internet.InternetAddress;
import jakarta.mail.internet.MimeMessage;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import javax.xml.parsers.DocumentBuilderFactory;
import org.springframework.boot.Banner;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.mail.MailSenderAutoConfiguration;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.core.env.StandardEnvironment;
import org.springframework.core.env.SystemEnvironmentPropertySource;
import org.springframework.mail.javamail.JavaMailSender;
import org.w3c.dom.Element;
import org.w3c.dom.Node;
import org.yaml.snakeyaml.Yaml;

public class Send {
    interface App {
        void send(Map<String, Object> job) throws Exception;
    }

    public static void main(String[] given) throws Exception {
        if (given.length > 0) {
            System.out.println(new Properties() {{ load(Session.class.getResourceAsStream(
                "/META-INF/maven/org.eclipse.angus/angus-mail/pom.properties")); }}.getProperty("version"));
            return;
        }
        Map<String, App> apps = Map.of("spring", Send::spring, "keycloak", Send::keycloak, "jenkins", Send::jenkins, "jenkins_xml", Send::jenkins);
        List<Map<String, Object>> jobs = new Yaml().load(new String(System.in.readAllBytes(), StandardCharsets.UTF_8));
        if (!jobs.isEmpty()) {
            trust(Path.of(text(jobs.get(0), "ca")));
        }
        for (Map<String, Object> job : jobs) {
            String end = "\"ok\": true}";
            try {
                apps.get(text(job, "app")).send(job);
            } catch (Exception error) {
                StringBuilder words = new StringBuilder();
                for (Throwable one = error; one != null; one = one.getCause()) {
                    words.append(words.length() > 0 ? ": " : "").append(one);
                }
                end = "\"ok\": false, \"error\": " + json(words.toString()) + "}";
            }
            System.out.println("{\"id\": " + json(text(job, "id")) + ", " + end);
        }
    }

    static String text(Map<String, Object> map, String name) {
        Object found = map.get(name);
        return found == null ? null : found.toString();
    }

    static String json(String text) {
        StringBuilder out = new StringBuilder("\"");
        for (char one : text.toCharArray()) {
            out.append(one < ' ' || one > '~' || one == '"' || one == '\\' ? String.format("\\u%04x", (int) one) : String.valueOf(one));
        }
        return out.append('"').toString();
    }

    // The CA becomes the whole trust store of this Java.
    static void trust(Path ca) throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        try (InputStream input = Files.newInputStream(ca)) {
            store.setCertificateEntry("ca", CertificateFactory.getInstance("X.509").generateCertificate(input));
        }
        Path file = ca.resolveSibling("trust.p12");
        try (OutputStream output = Files.newOutputStream(file)) {
            store.store(output, "changeit".toCharArray());
        }
        System.setProperty("javax.net.ssl.trustStore", file.toString());
        System.setProperty("javax.net.ssl.trustStorePassword", "changeit");
    }

    static void fill(MimeMessage message, Map<String, Object> job) throws Exception {
        message.setFrom(new InternetAddress(text(job, "from")));
        message.setRecipient(Message.RecipientType.TO, new InternetAddress(text(job, "to")));
        message.setSubject(text(job, "subject"));
        message.setText("test");
    }

    // Spring Boot with nothing but its mail: it finds its settings where it always does.
    @SuppressWarnings("unchecked")
    static void spring(Map<String, Object> job) throws Exception {
        SpringApplication application = new SpringApplication(MailSenderAutoConfiguration.class);
        application.setWebApplicationType(WebApplicationType.NONE);
        application.setBannerMode(Banner.Mode.OFF);
        application.setLogStartupInfo(false);
        application.setRegisterShutdownHook(false);
        StandardEnvironment environment = new StandardEnvironment();
        String name = StandardEnvironment.SYSTEM_ENVIRONMENT_PROPERTY_SOURCE_NAME;
        Map<String, Object> variables = (Map<String, Object>) job.getOrDefault("env", Map.of());
        environment.getPropertySources().replace(name, new SystemEnvironmentPropertySource(name, variables));
        application.setEnvironment(environment);
        String place = text(job, "form").equals("file") ? "file:" + text(job, "file") + "[.properties]" : "optional:file:/nonexistent/";
        try (ConfigurableApplicationContext context = application.run("--spring.config.location=" + place)) {
            JavaMailSender sender = context.getBean(JavaMailSender.class);
            MimeMessage message = sender.createMimeMessage();
            fill(message, job);
            sender.send(message);
        }
    }

    // A realm's smtpServer: all values are texts, and starttls is only enabled, never required.
    @SuppressWarnings("unchecked")
    static void keycloak(Map<String, Object> job) throws Exception {
        Map<String, Object> realm = new Yaml().load(Files.readString(Path.of(text(job, "file"))));
        Map<String, Object> config = (Map<String, Object>) realm.get("smtpServer");
        Properties properties = new Properties();
        properties.setProperty("mail.smtp.host", text(config, "host"));
        properties.setProperty("mail.smtp.port", text(config, "port"));
        boolean login = "true".equals(config.get("auth"));
        properties.setProperty("mail.smtp.auth", String.valueOf(login));
        properties.setProperty("mail.smtp.ssl.enable", String.valueOf("true".equals(config.get("ssl"))));
        properties.setProperty("mail.smtp.starttls.enable", String.valueOf("true".equals(config.get("starttls"))));
        for (String[] names : new String[][] {{"timeout", "timeout"}, {"connectiontimeout", "connectionTimeout"}, {"writetimeout", "writeTimeout"}}) {
            properties.setProperty("mail.smtp." + names[0], (String) config.getOrDefault(names[1], "10000"));
        }
        Session session = Session.getInstance(properties);
        MimeMessage message = new MimeMessage(session);
        fill(message, job);
        message.saveChanges();
        try (Transport transport = session.getTransport("smtp")) {
            if (login) {
                transport.connect(text(config, "user"), text(config, "password"));
            } else {
                transport.connect();
            }
            transport.sendMessage(message, message.getAllRecipients());
        }
    }

    // The mailer of Configuration as Code, where a dollar sign that is none is escaped by a caret, or of Jenkins' own file.
    @SuppressWarnings("unchecked")
    static void jenkins(Map<String, Object> job) throws Exception {
        Map<String, Object> mailer;
        boolean casc = !text(job, "app").equals("jenkins_xml");
        if (casc) {
            Map<String, Object> whole = new Yaml().load(Files.readString(Path.of(text(job, "file"))));
            mailer = (Map<String, Object>) ((Map<String, Object>) whole.get("unclassified")).get("mailer");
        } else {
            mailer = elements(DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(text(job, "file")).getDocumentElement());
        }
        boolean ssl = Boolean.TRUE.equals(mailer.get("useSsl"));
        String port = text(mailer, "smtpPort");
        Properties properties = new Properties();
        properties.setProperty("mail.smtp.host", text(mailer, "smtpHost"));
        if (port != null) {
            properties.setProperty("mail.smtp.port", port);
        }
        if (ssl) {
            properties.setProperty("mail.smtp.port", port == null ? "465" : port);
            properties.setProperty("mail.smtp.socketFactory.port", port == null ? "465" : port);
            properties.setProperty("mail.smtp.socketFactory.class", "javax.net.ssl.SSLSocketFactory");
            properties.setProperty("mail.smtp.socketFactory.fallback", "false");
            properties.setProperty("mail.smtp.ssl.checkserveridentity", "true");
        }
        if (Boolean.TRUE.equals(mailer.get("useTls"))) {
            properties.setProperty("mail.smtp.starttls.enable", "true");
            properties.setProperty("mail.smtp.starttls.required", "true");
        }
        properties.setProperty("mail.smtp.timeout", "60000");
        properties.setProperty("mail.smtp.connectiontimeout", "60000");
        Map<String, Object> login = (Map<String, Object>) mailer.get("authentication");
        Authenticator authenticator = null;
        if (login != null) {
            properties.setProperty("mail.smtp.auth", "true");
            authenticator = new Authenticator() {
                @Override
                protected PasswordAuthentication getPasswordAuthentication() {
                    return new PasswordAuthentication(literal(login, "username", casc), literal(login, "password", casc));
                }
            };
        }
        MimeMessage message = new MimeMessage(Session.getInstance(properties, authenticator));
        fill(message, job);
        Transport.send(message);
    }

    static String literal(Map<String, Object> map, String name, boolean casc) {
        return casc ? text(map, name).replace("^${", "${") : text(map, name);
    }

    // An object as Jenkins writes it into XML.
    static Map<String, Object> elements(Node above) {
        Map<String, Object> found = new HashMap<>();
        for (Node one = above.getFirstChild(); one != null; one = one.getNextSibling()) {
            if (one instanceof Element) {
                Map<String, Object> inside = elements(one);
                String text = one.getTextContent();
                boolean flag = text.equals("true") || text.equals("false");
                found.put(one.getNodeName(), !inside.isEmpty() ? inside : flag ? (Object) Boolean.valueOf(text) : text);
            }
        }
        return found;
    }
}
