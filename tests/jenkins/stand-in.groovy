// Runs a declarative Jenkinsfile as Jenkins would for one branch or pull request, and prints what it does instead of doing it:
//
//   groovy stand-in.groovy Jenkinsfile BRANCH_NAME=PR-7 CHANGE_ID=7 CHANGE_TARGET=master CHANGE_FORK=somebody
//
// It is strict: a directive, option, step or argument that is not listed here is an error, as is a pipeline without an agent.
// That catches what a parser cannot: misspelled directives, steps outside of `steps`, a `when` that lets the wrong build through.

class Wrong extends RuntimeException { Wrong(String m) { super(m) } }

// What all blocks have in common: `env` is there, everything that is not defined is an error.
abstract class Block {
    Map env
    String where
    def run(Block block, Closure body) {
        body = body.rehydrate(block, block, block)
        body.resolveStrategy = Closure.DELEGATE_ONLY
        body.call()
        block
    }
    def methodMissing(String name, args) { throw new Wrong("unknown: ${name} in ${where}") }
    def propertyMissing(String name) { throw new Wrong("unknown: ${name} in ${where}") }
    def propertyMissing(String name, value) { throw new Wrong("unknown: ${name} in ${where}") }
    void only(Map given, List known, String what) {
        def odd = given.keySet() - known
        if (odd) throw new Wrong("unknown argument ${odd.join(', ')} of ${what}")
        def lacking = known - given.keySet()
        if (lacking) throw new Wrong("${what} lacks ${lacking.join(', ')}")
    }
}

class Pipeline extends Block {
    Set seen = []
    private void once(String name) { if (!seen.add(name)) throw new Wrong("${name} twice in ${where}") }
    void agent(Closure body) { once('agent'); run(new Agent(env: env, where: 'agent'), body) }
    void options(Closure body) { once('options'); run(new Options(env: env, where: 'options'), body) }
    void environment(Closure body) { once('environment'); run(new Environment(env: env, where: 'environment'), body) }
    void stages(Closure body) {
        once('stages')
        if (!seen.contains('agent')) throw new Wrong('a pipeline needs an agent')
        run(new Stages(env: env, where: 'stages'), body)
    }
}

class Agent extends Block { void label(String name) { println "agent ${name}" } }

class Options extends Block {
    void disableConcurrentBuilds() {}
    void timestamps() {}
    void timeout(Map m) { only(m, ['time', 'unit'], 'timeout') }
    void buildDiscarder(what) {}
    Map logRotator(Map m) { only(m, ['numToKeepStr'], 'logRotator'); m }
}

class Environment extends Block {
    def propertyMissing(String name, value) { env[name] = value; println "environment ${name}=${value}" }
}

class Stages extends Block {
    Set names = []
    void stage(String name, Closure body) {
        if (!names.add(name)) throw new Wrong("two stages are called ${name}")
        def stage = run(new Stage(env: env, where: "stage ${name}"), body)
        if (!stage.work) throw new Wrong("stage ${name} has no steps")
        if (!stage.wanted) { println "skipped ${name}"; return }
        println "stage ${name}"
        run(new Steps(env: env, where: "steps of ${name}"), stage.work)
    }
}

class Stage extends Block {
    boolean wanted = true
    Closure work
    void when(Closure body) {
        def when = run(new When(env: env, where: "when of ${where}"), body)
        if (!when.answers) throw new Wrong("an empty when in ${where}")
        wanted = when.answers.every()
    }
    void steps(Closure body) { work = body }
}

class When extends Block {
    List answers = []
    void branch(String name) { answers << (env.BRANCH_NAME == name) }
    void expression(Closure body) { body.delegate = this; body.resolveStrategy = Closure.DELEGATE_ONLY; answers << (body.rehydrate(this, this, this).call() as boolean) }
    void changeRequest() { answers << (env.CHANGE_ID != null) }
    void not(Closure body) { answers << !run(new When(env: env, where: where), body).answers.every() }
    void anyOf(Closure body) { answers << run(new When(env: env, where: where), body).answers.any() }
    void allOf(Closure body) { answers << run(new When(env: env, where: where), body).answers.every() }
}

class Steps extends Block {
    static List held = []
    void sh(String command) { println "sh ${command}" + (held ? " with ${held.join(', ')}" : '') }
    void archiveArtifacts(Map m) { only(m, ['artifacts', 'fingerprint', 'allowEmptyArchive'], 'archiveArtifacts'); println "archive ${m.artifacts}" }
    void milestone(Map m) { only(m, ['ordinal'], 'milestone'); println "milestone ${m.ordinal}" }
    void lock(String name, Closure body) { println "lock ${name}"; run(this, body) }
    void withCredentials(List bindings, Closure body) { held.addAll(bindings); try { run(this, body) } finally { held.removeAll(bindings) } }
    String usernamePassword(Map m) { only(m, ['credentialsId', 'usernameVariable', 'passwordVariable'], 'usernamePassword'); m.credentialsId }
    String aws(Map m) { only(m, ['credentialsId', 'accessKeyVariable', 'secretKeyVariable'], 'aws'); m.credentialsId }
    String readFile(String name) { "IMAGE=myrepo/app@sha256:the-digest-in-${name}\n" }
    Map string(Map m) { only(m, ['name', 'value'], 'string'); m }
    void build(Map m) { only(m, ['job', 'parameters'], 'build'); println "build ${m.job} " + m.parameters.collect { "${it.name}=${it.value}" }.join(' ') }
}

// Scripts have a `pipeline` and nothing else.
def env = args.drop(1).collectEntries { it.split('=', 2) as List }
def pipelines = 0
def binding = new Binding()
binding.setVariable('pipeline', { Closure body -> pipelines++; def p = new Pipeline(env: env, where: 'pipeline'); p.run(p, body) })
try {
    def shell = new GroovyShell(this.class.classLoader, binding)
    shell.evaluate(new File(args[0]))
    if (pipelines != 1) throw new Wrong("${pipelines} pipelines")
} catch (Wrong | MissingPropertyException | MissingMethodException | org.codehaus.groovy.control.CompilationFailedException e) {
    println "wrong: ${e.message}"
    System.exit(1)
}
