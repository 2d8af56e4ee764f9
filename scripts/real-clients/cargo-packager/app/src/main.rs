// An app that updates itself: `updater ENDPOINT PUBKEY VERSION APPIMAGE [DEVICE]`. It checks, downloads, verifies and
// installs over APPIMAGE what there is, all by the crate's own code, and prints what came of it.
use cargo_packager_updater::{semver::Version, url::Url, Config, UpdaterBuilder};

fn update() -> Result<String, Box<dyn std::error::Error>> {
    let mut given = std::env::args().skip(1);
    let mut next = |what: &'static str| given.next().ok_or(what);
    let endpoint = Url::parse(&next("no endpoint")?)?;
    let pubkey = next("no public key")?;
    let version = Version::parse(&next("no version")?)?;
    let image = next("no file")?;
    let device = given.next();
    let config = Config { endpoints: vec![endpoint], pubkey, ..Default::default() };
    let mut builder = UpdaterBuilder::new(version, config).executable_path(image);
    if let Some(device) = device {
        builder = builder.header("x-device-id", device)?;
    }
    match builder.build()?.check()? {
        None => Ok("nothing".into()),
        Some(found) => {
            found.download_and_install()?;
            Ok(format!("installed {}", found.version))
        }
    }
}

fn main() {
    match update() {
        Ok(outcome) => println!("{outcome}"),
        Err(error) => println!("error: {error}"),
    }
}
