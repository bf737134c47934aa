// SPDX-License-Identifier: GPL-3.0-or-later
// Flamenco job type: captures of a folder of clips, or of a list, shared between workers.
// Copy it into the folder `scripts` beside Flamenco Manager. docs/farm.md says what workers need.

const JOB_TYPE = {
    label: "AVFace Capture",
    description: "Facial capture of many clips; each worker takes a part of them",
    settings: [
        { key: "clips", type: "string", subtype: "file_path", required: true,
          description: "Folder of clips, or a list of them (CSV or JSON), where every worker sees it" },
        { key: "results", type: "string", subtype: "dir_path", required: true,
          description: "Folder for takes, scenes, sheets and the report, where every worker sees it" },
        { key: "parts", type: "int32", default: 4,
          description: "Tasks that the clips are shared between" },
        { key: "captures_at_a_time", type: "int32", default: 1,
          description: "Captures that one worker runs at once" },
        { key: "wrinkles", type: "string", default: "standard",
          choices: ["off", "fast", "standard", "fine"],
          description: "Fine detail of the skin, as normal maps" },
        { key: "exports", type: "string", default: "blend",
          description: "What is made of each take: any of blend fbx abc" },
        { key: "consent", type: "string", default: "", visible: "submission",
          description: "The actors' consent, in your words: kept with every take" },
    ],
};

function compileJob(job) {
    const settings = job.settings;
    const parts = Math.max(1, settings.parts);
    const report = author.Task("report", "blender");
    report.addCommand(avface(settings, ["--only-report"]));
    for (let part = 1; part <= parts; part++) {
        const task = author.Task(`capture-${part}-of-${parts}`, "blender");
        task.addCommand(avface(settings, captureArguments(settings, part, parts)));
        report.addDependency(task);
        job.addTask(task);
    }
    job.addTask(report);
}

function captureArguments(settings, part, parts) {
    const exports = settings.exports.split(/[\s,]+/).filter((word) => word);
    return [
        "--part", `${part}/${parts}`,
        "--workers", String(Math.max(1, settings.captures_at_a_time)),
        `--detail=${settings.wrinkles}`,
        ...(settings.consent ? [`--consent=${settings.consent}`] : []),
        ...(exports.length ? ["--export", ...exports] : []),
    ];
}

// The add-on's own command line: it finds the engine that its preferences name.
function avface(settings, rest) {
    return author.Command("exec", {
        exe: "{blender}",
        args: ["--command", "avface", "--batch", settings.clips, "--out", settings.results, ...rest],
    });
}
