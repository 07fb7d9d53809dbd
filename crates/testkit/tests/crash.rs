//! The real binary, killed again and again under load. `HIGHWATER_CRASH_KILLS` says how often (12 unless told, so that
//! every run of the tests has some; `cargo xtask crash` does 200), `HIGHWATER_CRASH_SEED` repeats a run.

use highwater_testkit::crash::{Campaign, CampaignSettings};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_lose_nothing_and_double_nothing() {
    let settings = CampaignSettings::from_environment(12, 1).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let campaign = Campaign::new(settings, folder.path()).unwrap();
    match campaign.run().await {
        Ok(summary) => println!("seed {}: {summary}", settings.seed),
        Err(error) => {
            let kept = folder.keep();
            panic!(
                "seed {}: {error}\nthe data folder and the server's log are kept in {}",
                settings.seed,
                kept.display()
            );
        }
    }
}
