/* messages_en.c - the customer's words in English, sorted by key. What the customer gets, not how it is made. */
#include "core/messages.h"

#include "base/util.h"

const struct message messages_en[] = {
    { "problem.internal",
      "Something on our side stopped the setup. Our team has been told and takes care of it; you do "
      "not need to do anything." },
    { "problem.name-taken", "This domain is already in use with us. Our team has been told and will contact you." },
    { "problem.stopped", "The setting up of your service was stopped by our team. They know about it." },
    { "problem.suspended", "This account is suspended. Please contact our team." },
    { "problem.verify",
      "Everything is set up, but it does not answer yet as it should. Our team has been told and takes "
      "care of it." },
    { "step.dns.package", "Preparing the name servers" },
    { "step.dns.user", "Opening your space on the name servers" },
    { "step.dns.zone", "Entering your domain on the name servers" },
    { "step.live", "Handing over your account" },
    { "step.mail.account", "Creating your mailbox" },
    { "step.mail.dkim", "Signing your mail" },
    { "step.mail.domain", "Setting up mail for your domain" },
    { "step.mail.package", "Preparing mail" },
    { "step.mail.user", "Opening your mail space" },
    { "step.other", "Setting up your account" },
    { "step.ssl.seed", "Ordering the certificate for secure connections" },
    { "step.verify.dns", "Checking that your domain is found" },
    { "step.verify.mail", "Checking that mail works" },
    { "step.verify.web", "Checking that your website answers" },
    { "step.web.domain", "Setting up your website" },
    { "step.web.package", "Preparing web space" },
    { "step.web.reload", "Putting your website on the air" },
    { "step.web.settings", "Adjusting your website's settings" },
    { "step.web.user", "Opening your web space" },
    { "wait.busy", "It is busy at the moment. Your setup goes on by itself in a little while." },
    { "wait.capacity", "We are making room for your account. Your setup goes on by itself as soon as that is done." },
    { "wait.node",
      "A part of our platform does not answer at the moment. Your setup goes on by itself when it is back." },
    { "wait.placement", "We are finding the best place for your account. Your setup goes on by itself." },
    { "wait.verify", "Everything is set up. We are waiting until it can be reached from everywhere." },
};
const size_t messages_en_count = ARRAY_LEN(messages_en);
